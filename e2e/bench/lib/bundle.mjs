// Makes of each SDK what a site's bundler would make of it, in memory, and weighs it.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = fileURLToPath(new URL('..', import.meta.url));
const dist = process.env.PETREL_DIST ?? fileURLToPath(new URL('../../../dist', import.meta.url));

/**
 * @typedef {object} Bundle
 * @property {string} version Of the package.
 * @property {Map<string, Buffer>} files Under /sdk/<id>/.
 * @property {Map<string, Buffer>} rootFiles At the root of the site.
 * @property {Record<string, Weight>} weights What a browser downloads: the entry, then what may follow.
 */

/** @typedef {{ min: number, gzip: number, brotli: number }} Weight */

/** Installs the other SDKs, if they are not there. */
export function installPeers() {
  const wanted = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).dependencies;
  const isThere = (/** @type {string} */ name) =>
    existsSync(join(here, 'node_modules', name, 'package.json')) && versionOf(name) === wanted[name];
  if (Object.keys(wanted).every(isThere)) return;
  console.log('installing the other SDKs into e2e/bench/node_modules …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: here,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('the other SDKs could not be installed; `--peer none` does without');
}

/** @param {string} name */
function versionOf(name) {
  return JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/** @returns {boolean} Whether Petrel's files are built. */
export function petrelIsBuilt() {
  return ['index.js', 'petrel-sw.js', 'register.js'].every((file) => existsSync(join(dist, file)));
}

/**
 * @param {import('./sdks.mjs').Sdk} sdk
 * @returns {Promise<Bundle>}
 */
export async function bundle(sdk) {
  const source = readFileSync(join(here, 'sdks', `${sdk.id}.js`));
  if (sdk.id === 'petrel') return petrel(source);
  if (!sdk.package) {
    const rootFiles = new Map();
    if (sdk.id === 'floor') rootFiles.set('floor-sw.js', readFileSync(join(here, 'sdks/floor-sw.js')));
    return { version: '', files: new Map([['main.js', source]]), rootFiles, weights: {} };
  }
  const { build } = createRequire(join(here, 'package.json'))('esbuild');
  const { outputFiles, metafile } = await build({
    entryPoints: { main: join(here, 'sdks', `${sdk.id}.js`) },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
    write: false,
    outdir: '/sdk',
    absWorkingDir: here,
  });
  const files = new Map();
  for (const { path, contents } of outputFiles) files.set(path.split(/[\\/]/).at(-1), Buffer.from(contents));
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [path.split('/').at(-1), /** @type {any} */ (output)]),
  );
  // What the entry imports without condition is downloaded with it.
  const needed = new Set(['main.js']);
  for (const file of needed) {
    for (const { path, kind } of outputs.get(file).imports)
      if (kind === 'import-statement') needed.add(path.split('/').at(-1));
  }
  return {
    version: versionOf(sdk.package),
    files,
    rootFiles: new Map(),
    weights: { entry: sum([...needed].map((file) => weigh(files.get(file)))) },
  };
}

/** @param {Buffer} source @returns {Bundle} */
function petrel(source) {
  // Read once: a build in between must not change what is measured.
  const file = (/** @type {string} */ name) => readFileSync(join(dist, name));
  const files = new Map([['main.js', source]]);
  for (const name of readdirSync(dist)) if (name.endsWith('.js')) files.set(name, file(name));
  const weights = { entry: weigh(file('index.js')) };
  const more = { 'script tag': 'petrel.js', 'first visit': 'register.js', worker: 'petrel-sw.js' };
  for (const [what, name] of Object.entries(more)) {
    const content = files.get(name);
    if (content) Object.assign(weights, { [what]: weigh(content) });
  }
  const { version } = JSON.parse(readFileSync(join(here, '../../package.json'), 'utf8'));
  return { version, files, rootFiles: new Map([['petrel-sw.js', file('petrel-sw.js')]]), weights };
}

/** @param {Buffer} content @returns {Weight} */
function weigh(content) {
  return {
    min: content.length,
    gzip: gzipSync(content, { level: 9 }).length,
    brotli: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
  };
}

/** @param {Weight[]} weights @returns {Weight} */
function sum(weights) {
  const total = { min: 0, gzip: 0, brotli: 0 };
  for (const weight of weights)
    for (const key of /** @type {(keyof Weight)[]} */ (Object.keys(total))) total[key] += weight[key];
  return total;
}
