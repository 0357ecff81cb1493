import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A project that has the package installed. */
let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'petrel-types-'));
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules', 'petrel'), 'junction');
  symlinkSync(join(root, 'node_modules', '@types'), join(project, 'node_modules', '@types'), 'junction');
});
afterAll(() => rmSync(project, { recursive: true }));

/** What tsc says of one file. The declarations themselves are checked too (`skipLibCheck` is off). */
function compile(code: string, lib: string[], { types = [] as string[], resolution = 'bundler' } = {}): string {
  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'ES2022',
    module: resolution === 'bundler' ? 'ESNext' : resolution,
    moduleResolution: resolution,
    lib,
    types,
  };
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  writeFileSync(join(project, 'use.ts'), code);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: project, encoding: 'utf8' }).stdout;
}

describe('the type declarations', () => {
  it.each(['bundler', 'nodenext'])('of the page entry stand on the DOM alone (%s)', (resolution) => {
    const code = `import { createTracker, type Tracker, type TrackerOptions } from 'petrel';
      const options: TrackerOptions = { endpoint: 'https://example.org/v1/events' };
      const tracker: Tracker = createTracker(options);
      tracker.track('Opened', { at: 1 });
      const id: number = tracker;`;

    expect(compile(code, ['ES2022', 'DOM'], { resolution }).trim().split('\n')).toEqual([
      expect.stringContaining("is not assignable to type 'number'"),
    ]);
  });

  it.each(['bundler', 'nodenext'])('of the plugins stand on the DOM alone (%s)', (resolution) => {
    const names = [
      'clicks',
      'engagement',
      'errors',
      'forms',
      'links',
      'page-views',
      'sampling',
      'web-vitals',
      'web-vitals-attribution',
    ];
    const code = `import { createTracker } from 'petrel';
      ${names.map((name, i) => `import * as p${i} from 'petrel/plugins/${name}';`).join('\n')}
      import { links, type LinksOptions } from 'petrel/plugins/links';
      const options: LinksOptions = { extensions: ['pdf'] };
      createTracker<{ 'Signed Up': { plan: string } }>({ endpoint: '/events' }).use(links(options));
      export const used = [${names.map((_, i) => `p${i}`)}];`;

    expect(compile(code, ['ES2022', 'DOM', 'DOM.Iterable'], { resolution })).toBe('');
  });

  it.each(['bundler', 'nodenext'])('of the Segment facade stand on the DOM alone (%s)', (resolution) => {
    const code = `import { AnalyticsBrowser, type Analytics } from 'petrel/compat/segment';
      import type { Tracker } from 'petrel';
      const browser = AnalyticsBrowser.load({ writeKey: 'shop', petrel: { consent: 'pending' } });
      export const id: string | null = browser.user().id();
      export const tracker: Tracker | undefined = browser.tracker;
      export async function get(): Promise<Analytics> { const [analytics] = await browser; return analytics; }
      browser.track('Added', { sku: 1 }, () => browser.page('Docs', 'Home')).then(({ event }) => event.type);
      browser.track(7);`;

    expect(compile(code, ['ES2022', 'DOM', 'DOM.Iterable'], { resolution }).trim().split('\n')).toEqual([
      expect.stringContaining('use.ts(8,'),
    ]);
  });

  it('of the core need no platform at all', () => {
    expect(compile(`import { EventBatcher } from 'petrel/core'; EventBatcher;`, ['ES2022'])).toBe('');
  });

  it('of the worker stand on WebWorker', () => {
    const code = `import { startPetrel } from 'petrel/sw'; startPetrel();`;

    expect(compile(code, ['ES2022', 'WebWorker'])).toBe('');
  });

  it.each(['bundler', 'nodenext'])('of the collector stand on Node (%s)', (resolution) => {
    const code = `import { createCollector } from 'petrel/server';
      import * as node from 'petrel/server/node';
      import { createSqliteSink } from 'petrel/sinks/sqlite';
      import * as testing from 'petrel/testing';
      export const used = [createCollector, node, createSqliteSink, testing];`;

    expect(compile(code, ['ES2023'], { types: ['node'], resolution })).toBe('');
  });

  it('of the script tag give the global its type', () => {
    expect(compile(`import 'petrel/petrel.js'; window.petrel.track('Opened');`, ['ES2022', 'DOM'])).toBe('');
  });
});
