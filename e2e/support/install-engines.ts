import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findFirefox } from './firefox.js';
import { findWebKitGtk } from './webkitgtk.js';

/** Longest an installation may take, in milliseconds. */
const INSTALL_TIMEOUT_MS = 600_000;

/** Installs what is missing where root and apt allow; otherwise says what to do. */
export default function installEngines(): void {
  if (findFirefox() && findWebKitGtk()) return;
  const packages = ['firefox-esr', 'webkit2gtk-driver', 'xvfb'];
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`installing ${packages.join(', ')} (Debian)`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
      spawnSync('apt-get', ['-qq', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: INSTALL_TIMEOUT_MS,
        env,
      });
    }
  }
  if (!findFirefox()) {
    throw new Error('There is no Firefox: install the package firefox-esr, or name one in PETREL_FIREFOX.');
  }
  if (!findWebKitGtk()) {
    throw new Error('There is no WebKitGTK with its driver: install the packages webkit2gtk-driver and xvfb.');
  }
}
