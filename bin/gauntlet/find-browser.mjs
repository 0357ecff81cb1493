// Which browser the gauntlet is run in: a Chromium or Chrome of the machine, or the one that Playwright downloaded.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {{ path: string, version: string }} FoundBrowser */

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/**
 * Where the installers of macOS and Windows put it; neither is on the PATH there.
 *
 * @type {Record<string, string[] | undefined>}
 */
const PATHS = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA].flatMap((root) =>
    root ? [join(root, 'Google', 'Chrome', 'Application', 'chrome.exe')] : [],
  ),
};

/**
 * @param {string} [named] by `--browser`, else by the environment's PETREL_CHROMIUM: no other is taken then
 * @returns {Promise<FoundBrowser>}
 * @throws {Error} with what to do when there is none
 */
export async function findBrowser(named = process.env.PETREL_CHROMIUM) {
  if (named) {
    const version = isFile(named) ? versionOf(named) : undefined;
    if (version === undefined) throw new Error(`${named} is no browser that starts`);
    return { path: named, version };
  }
  for (const path of [...(await playwrights()), ...installed()]) {
    const version = isFile(path) ? versionOf(path) : undefined;
    if (version !== undefined) return { path, version };
  }
  throw new Error(
    [
      'the gauntlet is run in a real browser, and there is no Chromium or Chrome here.',
      '  Install one, or `npm install --save-dev playwright && npx playwright install chromium`,',
      '  or name one: --browser <path>, or PETREL_CHROMIUM in the environment',
    ].join('\n'),
  );
}

/** Playwright's own, where the project that calls has it, or the package's neighbours do. */
async function playwrights() {
  const here = createRequire(import.meta.url);
  const project = createRequire(pathToFileURL(join(process.cwd(), 'package.json')));
  for (const require of [project, here]) {
    for (const name of ['playwright', 'playwright-core']) {
      try {
        const { chromium } = require(name);
        return [chromium.executablePath()].filter(Boolean);
      } catch {
        // Not installed there: an optional peer.
      }
    }
  }
  return [];
}

function installed() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...(PATHS[process.platform] ?? [])];
}

/** @param {string} path */
function isFile(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * What it says of itself; undefined when it cannot be loaded, as Playwright's download without its shared libraries. Chrome for
 * Windows opens a window on `--version`, so there the file must do.
 *
 * @param {string} path
 */
function versionOf(path) {
  if (process.platform === 'win32') return 'Chrome';
  const { status, stdout } = spawnSync(path, ['--version'], { timeout: 20_000, encoding: 'utf8' });
  return status === 0 ? stdout.trim().split(' built on')[0] : undefined;
}
