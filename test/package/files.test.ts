import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { parseAst } from 'rollup/parseAst';
import { describe, expect, it } from 'vitest';

// What `npm run build` made, looked at from outside: run after a build.

const root = fileURLToPath(new URL('../../', import.meta.url));
const dist = join(root, 'dist');
const read = (file: string) => readFileSync(join(dist, file), 'utf8');
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));
const scripts = files.filter((file) => file.endsWith('.js'));
/** Not a plugin, but a tracker around a tracker. */
const WITH_PROPERTIES = 'plugins/with-properties.js';
const plugins = scripts.filter((file) => file.startsWith('plugins/') && file !== WITH_PROPERTIES);
/** What a plugin cannot be made without. */
const needed: { [file: string]: object } = {
  'plugins/sampling.js': { rate: 0.5 },
  'plugins/schema.js': { events: {} },
};
const { exports, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface AstNode {
  type: string;
  source?: { value?: unknown };
}

/** What a file asks for when it is loaded, and what it may ask for later by `import()`. */
function importsOf(code: string): { now: string[]; later: string[] } {
  const found = { now: [] as string[], later: [] as string[] };
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, source } = node as AstNode;
    if (type === 'ImportExpression') found.later.push(String(source?.value ?? 'computed'));
    else if (/^(Import|Export)/.test(type) && source) found.now.push(String(source.value));
    Object.values(node).forEach(visit);
  };
  visit(parseAst(code));
  return found;
}

describe('the files a browser loads', () => {
  it.each([
    ['index.js', ['./register.js']],
    ['register.js', ['./in-page-host.js']],
    ['in-page-host.js', ['./in-page-formats.js']],
    ['in-page-formats.js', []],
    ['sw.js', []],
    ['inspector.js', []],
    ['worker.js', []],
    ...plugins.map((file): [string, string[]] => [file, []]),
  ])('%s is complete, and names what is loaded later so that a bundler can follow: %j', (file, later) => {
    expect(importsOf(read(file))).toEqual({ now: [], later });
  });

  it('compat/segment.js takes the tracker from the page entry, so that an app which uses both loads it once', () => {
    expect(importsOf(read('compat/segment.js'))).toEqual({ now: ['../index.js'], later: [] });
  });

  it('petrel.js is a classic script that resolves its chunk against its own address', () => {
    const code = read('petrel.js');

    expect(() => new Script(code)).not.toThrow();
    expect(code).toMatch(/currentScript/);
    expect(code).toMatch(/["'`](\.\/)?register\.js/);
    // A relative specifier fails from another origin's script without `crossorigin`: "The base URL is about:blank".
    expect(importsOf(code)).toEqual({ now: [], later: ['computed'] });
  });

  it.each(['petrel-sw.js', 'petrel-sw-formats.js'])('%s is one classic script: no import, no import()', (file) => {
    const code = read(file);

    expect(() => new Script(code)).not.toThrow();
    expect(importsOf(code)).toEqual({ now: [], later: [] });
    expect(code).not.toContain('importScripts');
  });

  it.each([
    'index.js',
    'petrel.js',
    'register.js',
    'debug.js',
    'in-page-host.js',
    'in-page-formats.js',
    'petrel-sw.js',
    'petrel-sw-formats.js',
    'sw.js',
    'inspector.js',
    'worker.js',
    ...plugins,
  ])('%s knows nothing of Node or of the build', (file) => {
    expect(read(file)).not.toMatch(/\bprocess\.env\b|\brequire\(|__VERSION__/);
  });
});

describe('every script', () => {
  it.each(scripts)('%s has a source map that carries its sources', (file) => {
    const map = JSON.parse(read(`${file}.map`));

    expect(read(file)).toContain(`//# sourceMappingURL=${posix.basename(file)}.map`);
    // One that only hands on what lies in a shared file has none.
    const isCode = /^(?!import |export \{.*\} from |\/\/|\s*$)/m.test(read(file));
    expect(map.sources.length > 0).toBe(isCode);
    expect(map.sourcesContent.filter((content: unknown) => typeof content !== 'string')).toEqual([]);
  });

  it('that contains code of others says so, and the notices carry the licences', () => {
    const notices = read('THIRD_PARTY_NOTICES.txt');
    const others = {
      idb: /Copyright.*Jake Archibald/,
      'workbox-window': /Copyright.*Google/,
      'web-vitals': /Apache License/,
    };

    for (const [name, licence] of Object.entries(others)) {
      const containing = scripts.filter((file) => read(`${file}.map`).includes(`node_modules/${name}/`));
      expect(containing.length).toBeGreaterThan(0);
      for (const file of containing) expect(read(file).slice(0, 200)).toContain(`/*! petrel ${version}, with ${name}`);
      expect(notices).toContain(name);
      expect(notices).toMatch(licence);
    }
  });
});

describe('the exports', () => {
  const targets = Object.values(exports as Record<string, string | Record<string, string>>)
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .filter((target) => !target.includes('*'));

  it.each(targets)('%s exists', (target) => {
    expect(existsSync(join(root, target))).toBe(true);
  });

  it.each([
    'petrel/core',
    'petrel/server',
    'petrel/server/node',
    'petrel/testing',
    'petrel/sinks/sqlite',
    'petrel/sinks/ndjson',
    'petrel/sinks/postgres',
    'petrel/sinks/nats',
    'petrel/sinks/nats-consumer',
    'petrel/sinks/clickhouse',
    'petrel/sinks/forward',
    'petrel/plugins/with-properties',
    'petrel/inspector',
    'petrel/worker',
    'petrel/vite',
  ])('%s loads in Node and does nothing but export', async (entry) => {
    const loaded = await import(/* @vite-ignore */ entry);

    expect(Object.keys(loaded)).not.toEqual([]);
  });

  it.each(plugins)('%s loads in Node, does nothing but export, and makes a plugin there', async (file) => {
    const loaded = await import(/* @vite-ignore */ `petrel/${file.slice(0, -3)}`);
    const creators = Object.values(loaded).filter((value) => typeof value === 'function');

    expect(creators).toHaveLength(1);
    expect(creators[0]?.(needed[file])).toEqual(expect.any(Function));
  });

  it('petrel/vite finds the worker of its package', async () => {
    const { petrel } = await import(/* @vite-ignore */ ['petrel', 'vite'].join('/'));
    const emitted = new Map<string, string>();
    const config = { base: '/', publicDir: '', build: {}, logger: { warn: (text: string) => expect.fail(text) } };

    const plugin = petrel();
    plugin.configResolved(config);
    plugin.generateBundle.call({
      emitFile: (file: { fileName: string; source: Buffer }) => emitted.set(file.fileName, `${file.source}`),
    });

    expect([...emitted.keys()]).toEqual(['petrel-sw.js', 'petrel-sw.js.map']);
    expect(emitted.get('petrel-sw.js')).toBe(read('petrel-sw.js'));
  });

  it('petrel/compat/segment loads in Node, and what it makes does nothing there', async () => {
    const { AnalyticsBrowser } = await import(/* @vite-ignore */ ['petrel', 'compat', 'segment'].join('/'));
    const analytics = AnalyticsBrowser.load({ writeKey: 'shop' });

    await analytics.track('Opened');

    expect((await analytics.tracker.stats()).page).toMatchObject({ seq: 0, dropped: { closed: 1 } });
  });

  it('share one PetrelError, so that instanceof works across entries', async () => {
    const core = await import(/* @vite-ignore */ ['petrel', 'core'].join('/'));
    const server = await import(/* @vite-ignore */ ['petrel', 'server'].join('/'));

    const thrown = (() => {
      try {
        return server.createCollector({});
      } catch (error) {
        return error;
      }
    })();

    expect(thrown).toBeInstanceOf(core.PetrelError);
  });
});
