// `petrel init`: puts the worker file where the site serves it from, and tells when it has gone stale.

import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { parse, root, say, UsageError, version } from '../lib/command.mjs';

/** The worker, and the one that knows other formats as well. */
const WORKER = join(root, 'dist', 'petrel-sw.js');
const FORMATS_WORKER = join(root, 'dist', 'petrel-sw-formats.js');

const HELP = `Usage
  petrel init <public-dir>           copy the worker (petrel-sw.js and its source map) into the folder your site is served from
  petrel init <public-dir> --check   change nothing; exit with 1 when the copy is missing or of another release

Options
  --formats   petrel-sw-formats.js instead: the worker for \`format: 'segment' | 'cloudevents' | 'otlp' | 'ndjson'\`
  --force     overwrite a file of that name that is not Petrel's
  -h, --help  this text

Run \`petrel init\` again after every update of the package, or \`petrel init <public-dir> --check\` in CI.
`;

/** @param {string[]} argv */
export async function initCommand(argv) {
  const { values, positionals } = parse(
    argv,
    {
      check: { type: 'boolean' },
      formats: { type: 'boolean' },
      force: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
    { allowPositionals: true },
  );
  if (values.help) return say(HELP);
  const [folder, ...extra] = positionals;
  if (folder === undefined) throw new UsageError('`petrel init` needs the folder your site is served from');
  if (extra.length > 0) throw new UsageError(`\`petrel init\` takes one folder, not also \`${extra.join(' ')}\``);
  const file = values.formats ? FORMATS_WORKER : WORKER;
  return values.check ? check(file, folder) : init(file, folder, values.force === true);
}

/**
 * @param {string} file
 * @param {string} folder
 * @param {boolean} force
 */
function init(file, folder, force) {
  const worker = readWorker(file);
  const target = targetIn(folder, file);
  const there = read(target);
  if (there && !there.equals(worker) && !versionOf(there) && !force) {
    throw new Error(`${show(target)} exists and is not Petrel's worker; --force overwrites it`);
  }
  copyFileSync(file, target);
  copyFileSync(`${file}.map`, `${target}.map`);
  say(
    there?.equals(worker)
      ? `${show(target)} was up to date (petrel ${version})`
      : `${show(target)} is petrel ${version}; serve it with \`Cache-Control: no-cache\``,
  );
}

/**
 * @param {string} file
 * @param {string} folder
 */
function check(file, folder) {
  const worker = readWorker(file);
  const target = targetIn(folder, file);
  const there = read(target);
  if (there?.equals(worker)) return say(`${show(target)} is up to date (petrel ${version})`);
  const is = !there ? 'is missing' : versionOf(there) ? `is of petrel ${versionOf(there)}` : "is not Petrel's worker";
  const differs = there && versionOf(there) === version ? `differs from the one in petrel ${version}` : is;
  throw new Error(
    `${show(target)} ${differs}; run \`npx petrel init ${folder}${file === FORMATS_WORKER ? ' --formats' : ''}\``,
  );
}

/** @param {string} file */
function readWorker(file) {
  const worker = read(file);
  if (!worker)
    throw new Error(`${file} is missing: the package is incomplete (in its repository, run \`npm run build\`)`);
  return worker;
}

/**
 * @param {string} folder
 * @param {string} file
 */
function targetIn(folder, file) {
  const path = resolve(folder);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`\`${folder}\` is not a folder; name the one your site is served from, such as public`);
  }
  return join(path, basename(file));
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
