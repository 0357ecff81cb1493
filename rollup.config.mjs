// Builds dist/. A file that a browser loads on its own is built on its own, so that it is complete (`standalone`);
// what Node or somebody's bundler loads is built together and shares (`library`). Types are checked by `npm run typecheck`,
// each part under the types of the place it runs in; here they are only stripped.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import nodeResolve from '@rollup/plugin-node-resolve';
import replace from '@rollup/plugin-replace';
import terser from '@rollup/plugin-terser';
import typescript from '@rollup/plugin-typescript';
import { dts } from 'rollup-plugin-dts';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Parts of the page loaded when needed. Sources name them by `import('./…')`; in dist/ they lie beside the entries. */
const CHUNKS = {
  'src/page/register.ts': 'register.js',
  'src/page/in-page-host.ts': 'in-page-host.js',
  'src/page/in-page-formats.ts': 'in-page-formats.js',
  'src/script-tag.debug.ts': 'debug.js',
};

/** No chunk may contain these: a script tag would load the tracker a second time. */
const ENTRY_ONLY = ['src/index.ts', 'src/index.development.ts', 'src/page/script-tag.ts', 'src/page/tracker.ts'];

/** How the facades name it. */
const PAGE_ENTRY = '../index.js';

/** Each complete by itself, so that a page loads the ones it uses and nothing else. */
const PLUGINS = entriesIn('plugins');

/** Other people's APIs over the tracker. They import the page entry, so that an app which uses both loads it once. */
const FACADES = entriesIn('compat');

const LIBRARY = {
  'core/index': 'src/core/index.ts',
  'server/index': 'src/server/index.ts',
  'server/node': 'src/server/node.ts',
  ...entriesIn('server/sinks'),
  ...entriesIn('formats'),
  'testing/index': 'src/testing/index.ts',
  'vite/index': 'src/vite/index.ts',
};

/** Node's own, and the optional peers: the drivers of the sinks, OpenFeature and Vite for their types. Everything else is bundled: Petrel has no dependencies. */
const EXTERNAL = [/^node:/, ...builtinModules, 'libsql', 'pg', /^@nats-io\//, '@openfeature/web-sdk', 'vite'];

/**
 * One entry per file of a folder of src.
 * @param {string} folder
 * @returns {Record<string, string>}
 */
function entriesIn(folder) {
  const files = readdirSync(join(root, 'src', folder)).filter((file) => file.endsWith('.ts'));
  return Object.fromEntries(files.map((file) => [`${folder}/${file.slice(0, -3)}`, `src/${folder}/${file}`]));
}

/** @param {string} path */
const fromRoot = (path) => relative(root, path).split(sep).join('/');

const compiler = typescript({
  tsconfig: false,
  include: ['src/**/*.ts', 'sw/**/*.ts'],
  compilerOptions: {
    target: 'ES2022',
    module: 'ESNext',
    moduleResolution: 'bundler',
    verbatimModuleSyntax: true,
    isolatedModules: true,
    noCheck: true,
    lib: ['ES2023'],
    types: [],
    sourceMap: true,
    inlineSources: true,
  },
});
let compiled = false;

/**
 * Compiles all sources when the first file is built; the others take what is there, for compiling is most of a build's work.
 * @type {import('rollup').Plugin}
 */
const compileOnce = {
  ...compiler,
  buildStart(options) {
    if (!compiled) /** @type {Function} */ (compiler.buildStart).call(this, options);
    compiled = true;
  },
};

/**
 * A script tag is in a document: what the npm entry has for servers would only be weight.
 * @type {import('rollup').Plugin}
 */
const inDocument = replace({
  preventAssignment: true,
  values: { "typeof document === 'undefined'": 'false' },
});

/** @returns {import('rollup').Plugin[]} */
const compile = () => [
  nodeResolve(),
  compileOnce,
  replace({ preventAssignment: true, values: { __VERSION__: JSON.stringify(version) } }),
];

/**
 * Property names that no other file, no database and no message knows, so that the worker may shorten them: 0.2 KB after gzip. A name
 * that is also written as a string, stored, sent, or the platform's is not among them.
 */
const WORKER_INTERNALS = [
  ...['transact', 'readState', 'writeState', 'readRecords', 'writeRecord', 'removeRecords'],
  ...['readSource', 'writeSource', 'removeSources', 'isEvent', 'onCorrupt', 'openStore'],
  ...['approximateBytes', 'lanes', 'problems', 'receive', 'report', 'settle', 'tidy', 'unanswered'],
  ...[
    'clock',
    'limits',
    'identify',
    'sizeOf',
    'idOf',
    'awakeMs',
    'randomId',
    'batcher',
    'observe',
    'addMany',
    'recordDrops',
  ],
  ...[
    'onDelivered',
    'onDropped',
    'onState',
    'dueInMs',
    'wakeAll',
    'taken',
    'carriedTo',
    'frozen',
    'makeRoom',
    'checkPause',
  ],
];

/** @param {string} file */
const minify = (file) =>
  terser({
    ecma: 2020,
    module: true,
    // `x === 1` instead of `1 === x`, as most of it is written, compresses better.
    compress: { passes: 4, unsafe_arrows: true, inline: 1, lhs_constants: false },
    format: { comments: /^!/ },
    mangle: file === 'petrel-sw.js' ? { properties: { regex: new RegExp(`^(${WORKER_INTERNALS.join('|')})$`) } } : {},
  });

/**
 * Keeps the chunks out of the entries, and their names relative to the entry's own file, for the user's bundler to follow.
 * @type {import('rollup').Plugin}
 */
const lazyChunks = {
  name: 'lazy-chunks',
  resolveDynamicImport(specifier, importer) {
    if (typeof specifier !== 'string' || !specifier.startsWith('.')) return null;
    const source = fromRoot(resolve(dirname(importer), specifier)).replace(/\.js$/, '.ts');
    const file = /** @type {Record<string, string | undefined>} */ (CHUNKS)[source];
    return file ? { id: `./${file}`, external: true } : null;
  },
};

/**
 * Keeps the page entry out of the facades. From dist/compat/ it is where it is from src/compat/.
 * @type {import('rollup').Plugin}
 */
const pageEntryOutside = {
  name: 'page-entry-outside',
  resolveId: (id) => (id === PAGE_ENTRY ? { id, external: true } : null),
};

/**
 * workbox-window names its ES5 build as its module; this one does the same in 0.9 KB less after gzip.
 * @type {import('rollup').Plugin}
 */
const modernWorkbox = {
  name: 'modern-workbox',
  resolveId: (id) =>
    id === 'workbox-window' ? join(root, 'node_modules/workbox-window/build/workbox-window.prod.mjs') : null,
};

/**
 * idb puts its shortcuts (`db.get(…)`) and its iterators in place when it is loaded, so no bundler can leave them out. Nobody here uses them,
 * and they are half of it: 0.6 KB after gzip.
 * @type {import('rollup').Plugin}
 */
const coreOfIdb = {
  name: 'core-of-idb',
  transform(code, id) {
    if (!fromRoot(id).endsWith('node_modules/idb/build/index.js')) return null;
    const from = code.indexOf('const readMethods = ');
    const to = code.indexOf('export {');
    if (from < 0 || to < from) this.error('idb is not built as it was: look again at what of it can be left out');
    return { code: code.slice(0, from) + code.slice(to), map: null };
  },
};

/**
 * Stops the build when a file that must be complete is not.
 * @param {string} input
 * @returns {import('rollup').Plugin}
 */
const complete = (input) => ({
  name: 'complete',
  generateBundle(_, bundle) {
    const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
    const chunkNames = Object.values(CHUNKS);
    for (const chunk of chunks) {
      const imports = chunk.imports.filter((id) => !(input.startsWith('src/compat/') && id === PAGE_ENTRY));
      const strangers = [...imports, ...chunk.dynamicImports.filter((id) => !chunkNames.includes(basename(id)))];
      if (chunks.length > 1 || strangers.length > 0) this.error(`${input} is not complete: it needs ${strangers}`);
      const entries = chunk.moduleIds.map(fromRoot).filter((id) => ENTRY_ONLY.includes(id));
      if (input in CHUNKS && entries.length > 0) this.error(`${input} contains the page entry (${entries.join(', ')})`);
    }
  },
});

/** Packages of other people found in what was built: name → package.json and licence text. */
const thirdParty = new Map();

/** @param {readonly string[]} moduleIds */
function packagesAmong(moduleIds) {
  const names = new Set();
  for (const id of moduleIds) {
    const name = fromRoot(id).match(/(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
    if (!name) continue;
    names.add(name);
    if (thirdParty.has(name)) continue;
    const folder = join(root, 'node_modules', name);
    const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    if (!licence) throw new Error(`${name} is bundled and has no licence file`);
    thirdParty.set(name, {
      ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
      text: readFileSync(join(folder, licence), 'utf8').trim(),
    });
  }
  return [...names].sort();
}

/**
 * The licences of what is bundled ask to be named with every copy. The tracker itself is all ours and carries no banner.
 * @param {import('rollup').RenderedChunk} chunk
 */
function banner(chunk) {
  const others = packagesAmong(chunk.moduleIds).map((name) => `${name} ${thirdParty.get(name).version}`);
  return others.length > 0
    ? `/*! petrel ${version}, with ${others.join(', ')}: see THIRD_PARTY_NOTICES.txt in the package */`
    : '';
}

/** Files this run has written. */
const written = new Set();

/** @type {import('rollup').Plugin} */
const remember = {
  name: 'remember',
  writeBundle(options, bundle) {
    const folder = options.dir ?? dirname(/** @type {string} */ (options.file));
    for (const file of Object.keys(bundle)) written.add(resolve(root, folder, file));
  },
};

/**
 * Last of all: the notices, and away with what an earlier build left behind. Not before, so that whoever uses dist/
 * during a build never finds it empty.
 * @type {import('rollup').Plugin}
 */
const finish = {
  name: 'finish',
  closeBundle() {
    const notices = [...thirdParty.values()].map(({ name, version: v, homepage, text }) =>
      [`${name} ${v}${homepage ? ` (${homepage})` : ''}`, '', text].join('\n'),
    );
    mkdirSync(dist, { recursive: true });
    const file = join(dist, 'THIRD_PARTY_NOTICES.txt');
    writeFileSync(file, `Petrel's files contain code of:\n\n${notices.sort().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
    written.add(file);
    for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      if (entry.isFile() && !written.has(path)) rmSync(path);
    }
    console.log(`dist/: ${written.size} files`);
  },
};

/** @param {import('rollup').RollupLog} warning */
function onwarn(warning) {
  throw new Error(`${warning.plugin ? `${warning.plugin}: ` : ''}${warning.message}`);
}

/**
 * A complete file, minified unless it is meant for somebody's bundler.
 * @param {string} input
 * @param {string} file
 * @param {'es' | 'iife'} format
 * @returns {import('rollup').RollupOptions}
 */
const standalone = (input, file, format) => ({
  input,
  onwarn,
  // Every import() left in a worker would fail there: what is not a chunk of the page is part of the file.
  output: {
    file: `dist/${file}`,
    format,
    banner,
    sourcemap: true,
    inlineDynamicImports: true,
    generatedCode: 'es2015',
  },
  plugins: [
    lazyChunks,
    modernWorkbox,
    ...(input.startsWith('src/compat/') ? [pageEntryOutside] : []),
    coreOfIdb,
    ...compile(),
    ...(file === 'petrel.js' ? [inDocument] : []),
    complete(input),
    ...(file === 'sw.js' ? [] : [minify(file)]),
    remember,
  ],
});

/** @type {import('rollup').RollupOptions} */
const library = {
  input: LIBRARY,
  onwarn,
  external: EXTERNAL,
  output: {
    dir: 'dist',
    format: 'es',
    banner,
    sourcemap: true,
    chunkFileNames: 'shared/[name].js',
    generatedCode: 'es2015',
  },
  plugins: [...compile(), remember],
};

/**
 * One program for all entries, so that a type which two of them export is the same type.
 * @type {import('rollup').RollupOptions}
 */
const declarations = {
  input: {
    index: 'src/index.ts',
    petrel: 'src/page/script-tag.ts',
    sw: 'sw/index.ts',
    inspector: 'src/inspector/index.ts',
    worker: 'src/worker/index.ts',
    ...PLUGINS,
    ...FACADES,
    ...LIBRARY,
  },
  onwarn,
  external: EXTERNAL,
  output: { dir: 'dist', format: 'es', chunkFileNames: 'shared/[name].d.ts' },
  plugins: [
    dts({
      tsconfig: 'src/server/tsconfig.json',
      // Everything that any part may name; whether it may is checked elsewhere.
      compilerOptions: {
        lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.webworker.d.ts'],
        types: ['node'],
        noCheck: true,
      },
    }),
    {
      name: 'stay-a-module',
      // Without an import or export, a file is a global script, where `declare global` is an error.
      renderChunk: (code) => (/^(import|export) /m.test(code) ? null : { code: `${code}\nexport {};\n`, map: null }),
    },
    remember,
    finish,
  ],
};

export default [
  standalone('src/index.ts', 'index.js', 'es'),
  standalone('src/index.development.ts', 'index.development.js', 'es'),
  standalone('src/page/script-tag.ts', 'petrel.js', 'iife'),
  ...Object.entries(CHUNKS).map(([input, file]) => standalone(input, file, 'es')),
  standalone('sw/worker.ts', 'petrel-sw.js', 'iife'),
  standalone('sw/formats-worker.ts', 'petrel-sw-formats.js', 'iife'),
  standalone('sw/index.ts', 'sw.js', 'es'),
  standalone('src/inspector/index.ts', 'inspector.js', 'es'),
  standalone('src/worker/index.ts', 'worker.js', 'es'),
  ...Object.entries({ ...PLUGINS, ...FACADES }).map(([name, input]) => standalone(input, `${name}.js`, 'es')),
  library,
  declarations,
];
