#!/usr/bin/env node
// The command line: puts the worker file where the site serves it from, and tells when it has gone stale.

import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const WORKER = join(root, 'dist', 'petrel-sw.js');

const HELP = `petrel ${version}

Usage
  petrel init <public-dir>           copy the worker (petrel-sw.js and its source map) into the folder your site is served from
  petrel init <public-dir> --check   change nothing; exit with 1 when the copy is missing or of another release
  petrel ledger --db <file>          what a collector received and what is missing; \`petrel ledger --help\`

Options
  --force        overwrite a petrel-sw.js that is not Petrel's
  -h, --help     this text
  -v, --version  the version

Run \`petrel init\` again after every update of the package, or \`petrel init <public-dir> --check\` in CI.
`;

/** A wrong call: exit code 2, with what to do. */
class UsageError extends Error {
  /** @override */
  name = 'UsageError';
}

/** @param {string[]} argv */
async function main(argv) {
  if (argv[0] === 'ledger') {
    const { ledger } = await import('./ledger/command.mjs');
    process.exitCode = await ledger(argv.slice(1));
    return;
  }
  const { values, positionals } = parse(argv);
  const [command, ...operands] = positionals;
  if (values.version) return say(version);
  if (values.help || command === 'help') return say(HELP);
  if (command === undefined) throw new UsageError('no command given');
  if (command !== 'init') throw new UsageError(`unknown command \`${command}\``);
  const [folder, ...extra] = operands;
  if (folder === undefined) throw new UsageError('`petrel init` needs the folder your site is served from');
  if (extra.length > 0) throw new UsageError(`\`petrel init\` takes one folder, not also \`${extra.join(' ')}\``);
  return values.check ? check(folder) : init(folder, values.force === true);
}

/** @param {string[]} argv */
function parse(argv) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        check: { type: 'boolean' },
        force: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message.split('. ')[0]);
  }
}

/**
 * @param {string} folder
 * @param {boolean} force
 */
function init(folder, force) {
  const worker = readWorker();
  const target = targetIn(folder);
  const there = read(target);
  if (there && !there.equals(worker) && !versionOf(there) && !force) {
    throw new Error(`${show(target)} exists and is not Petrel's worker; --force overwrites it`);
  }
  copyFileSync(WORKER, target);
  copyFileSync(`${WORKER}.map`, `${target}.map`);
  say(
    there?.equals(worker)
      ? `${show(target)} was up to date (petrel ${version})`
      : `${show(target)} is petrel ${version}; serve it with \`Cache-Control: no-cache\``,
  );
}

/** @param {string} folder */
function check(folder) {
  const worker = readWorker();
  const target = targetIn(folder);
  const there = read(target);
  if (there?.equals(worker)) return say(`${show(target)} is up to date (petrel ${version})`);
  const is = !there ? 'is missing' : versionOf(there) ? `is of petrel ${versionOf(there)}` : "is not Petrel's worker";
  const differs = there && versionOf(there) === version ? `differs from the one in petrel ${version}` : is;
  throw new Error(`${show(target)} ${differs}; run \`npx petrel init ${folder}\``);
}

function readWorker() {
  const worker = read(WORKER);
  if (!worker)
    throw new Error(`${WORKER} is missing: the package is incomplete (in its repository, run \`npm run build\`)`);
  return worker;
}

/** @param {string} folder */
function targetIn(folder) {
  const path = resolve(folder);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`\`${folder}\` is not a folder; name the one your site is served from, such as public`);
  }
  return join(path, basename(WORKER));
}

/**
 * @param {string} path
 * @returns {Buffer | undefined} Undefined when there is no such file.
 */
function read(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && !stat.isFile()) throw new Error(`${show(path)} is not a file`);
  return stat && readFileSync(path);
}

/**
 * The release a worker file says it is of, in its first line.
 * @param {Buffer} file
 */
function versionOf(file) {
  return file.toString('utf8', 0, 200).match(/^\/\*! petrel (\d[^\s,]*)/)?.[1];
}

/** @param {string} path */
function show(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text.trimEnd()}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const usage = /** @type {Error} */ (error).name === 'UsageError';
  process.stderr.write(`petrel: ${/** @type {Error} */ (error).message}\n`);
  if (usage) process.stderr.write('`petrel --help` shows how it is used\n');
  process.exitCode = usage ? 2 : 1;
}
