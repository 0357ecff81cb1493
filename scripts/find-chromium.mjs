// Finds the Chromium the browser tests run in, and the flags it needs. Nothing else in the repository looks for a browser.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';

/**
 * @typedef {object} FoundChromium
 * @property {string} path The executable.
 * @property {string} from Where it was found, for the one line that says so.
 */

const SYSTEM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where the installers of macOS and Windows put it; neither is on the PATH there. */
const SYSTEM_PATHS = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA].flatMap((root) =>
    root ? [join(root, 'Google', 'Chrome', 'Application', 'chrome.exe')] : [],
  ),
};

/**
 * Looks in this order: `PETREL_CHROMIUM`, Playwright's own download, the system's. Installs nothing.
 *
 * @returns {FoundChromium | undefined}
 * @throws {Error} When `PETREL_CHROMIUM` names no executable: falling back to another browser would hide the mistake.
 */
export function findChromium() {
  const named = process.env.PETREL_CHROMIUM;
  if (named) {
    if (!isExecutable(named)) throw new Error(`PETREL_CHROMIUM=${named} is not an executable file`);
    return { path: named, from: 'PETREL_CHROMIUM' };
  }
  return candidates().find(({ path }) => starts(path));
}

/** @returns {FoundChromium[]} */
function candidates() {
  const found = [];
  const own = chromium.executablePath();
  if (own && isExecutable(own)) found.push({ path: own, from: "Playwright's own" });
  const onPath = SYSTEM_NAMES.flatMap((name) =>
    (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)),
  );
  const installed = /** @type {Record<string, string[] | undefined>} */ (SYSTEM_PATHS)[process.platform] ?? [];
  for (const path of [...onPath, ...installed]) if (isExecutable(path)) found.push({ path, from: "the system's" });
  return found;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether it can be loaded at all: Playwright's download lacks shared libraries on a bare Linux. Chrome for Windows opens a
 * window on `--version`, so there the file must do.
 *
 * @param {string} path
 */
function starts(path) {
  return process.platform === 'win32' || spawnSync(path, ['--version'], { timeout: 20_000 }).status === 0;
}

/**
 * Launch options for Playwright, here and in vitest's browser mode. Without a browser it leaves the choice, and the error, to Playwright.
 *
 * @returns {{ executablePath?: string, args: string[] }}
 */
export function chromiumLaunchOptions() {
  const found = findChromium();
  // The sandbox cannot start as root, which is what containers run as; anybody else keeps it.
  const root = process.getuid?.() === 0;
  const args = [...(root ? ['--no-sandbox'] : []), '--disable-background-networking', '--disable-component-update'];
  if (!found) return { args };
  // Playwright loads its config once more in every worker: those need not look again.
  process.env.PETREL_CHROMIUM = found.path;
  return { executablePath: found.path, args };
}

/** Longest a download may take; beyond, the next way is tried. */
const INSTALL_TIMEOUT_MS = 300_000;

/**
 * {@link findChromium}, and where there is none, installs one: Playwright's download, else Debian's package where apt and root allow.
 *
 * @param {(line: string) => void} say Told before a step that takes time.
 * @returns {FoundChromium}
 * @throws {Error} With what to do, when there is none and none can be installed.
 */
export function findOrInstallChromium(say) {
  const found = findChromium();
  if (found) return found;
  const tried = [];

  say("no Chromium found; downloading Playwright's (npx playwright install chromium)");
  const cli = fileURLToPath(new URL('../node_modules/playwright/cli.js', import.meta.url));
  tried.push(`playwright install: ${attempt(process.execPath, [cli, 'install', '--no-shell', 'chromium'])}`);
  const own = findChromium();
  if (own) return own;

  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    say("that failed; installing Debian's package (apt-get install chromium)");
    tried.push(`apt-get update: ${attempt('apt-get', ['update', '-qq'])}`);
    tried.push(
      `apt-get install: ${attempt('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'])}`,
    );
    const debians = findChromium();
    if (debians) return debians;
  }
  throw new Error(
    [
      'The browser tests need a Chromium, and there is none.',
      ...tried.map((line) => `  ${line}`),
      'Install Chromium or Chrome, or run `npx playwright install --with-deps chromium`,',
      'or set PETREL_CHROMIUM to the path of one; then run the tests again.',
    ].join('\n'),
  );
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {string} How it ended, in a line.
 */
function attempt(command, args) {
  const run = spawnSync(command, args, {
    timeout: INSTALL_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (run.status === 0) return 'done';
  if (run.error) return run.error.message;
  const lines = `${run.stdout}\n${run.stderr}`.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((text) => /\berror\b|^E: /i.test(text)) ?? lines.at(-1) ?? 'no output';
  return `failed (${run.status ?? run.signal}): ${line.trim()}`;
}
