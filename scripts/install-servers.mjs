// Installs the servers that the sinks are tested against, where root and apt allow. Vitest runs it before the project `servers` in CI;
// `node scripts/install-servers.mjs` does it by hand.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Debian's packages, and a file by which each is known to be there. */
const SERVERS = [
  { name: 'nats-server', file: '/usr/sbin/nats-server' },
  { name: 'postgresql', file: '/usr/lib/postgresql' },
  { name: 'clickhouse-server', file: '/usr/sbin/clickhouse-server' },
];

/** Longest an installation may take, in milliseconds. */
const INSTALL_TIMEOUT_MS = 300_000;

/** Each by itself: a Debian that lacks one has the others. */
export function installServers() {
  const missing = SERVERS.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.log(`not installed: ${missing.join(', ')}; they need root and apt`);
    return;
  }
  /** @param {string[]} args */
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: INSTALL_TIMEOUT_MS,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  apt('update');
  for (const name of missing) {
    const { status } = apt('install', '-y', '--no-install-recommends', name);
    console.log(status === 0 ? `installed ${name}` : `could not install ${name}`);
  }
}

/** Vitest's global setup. */
export default function setup() {
  if (process.env.CI) installServers();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installServers();
