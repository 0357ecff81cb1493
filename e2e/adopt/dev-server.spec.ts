import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ViteDevServer } from 'vite';
import { createServer } from 'vite';
import type { Tab } from '../support/visitor.js';
import { expect, expectEvents, test } from './test.js';

// @slow: a dev server is started, which is the same for every engine.
// The React example under `vite dev`: StrictMode mounts twice there, and files are replaced while the page is open.

let server: ViteDevServer | undefined;
test.afterEach(() => server?.close());

/** Starts the example's dev server, its events on their way to the collector. */
async function dev(folder: string, target: string): Promise<string> {
  server = await createServer({
    root: folder,
    logLevel: 'error',
    server: {
      host: '127.0.0.1',
      port: 0,
      proxy: { '/events': { target, rewrite: (path) => path.replace('/events', '/v1/events') } },
    },
  });
  await server.listen();
  const { port } = server.httpServer!.address() as { port: number };
  return `http://localhost:${port}/`.replace('localhost', '127.0.0.1');
}

function edit(folder: string, file: string, change: (content: string) => string): void {
  const path = join(folder, file);
  const content = readFileSync(path, 'utf8');
  expect(change(content), file).not.toBe(content);
  writeFileSync(path, change(content));
}

const heading = (tab: Tab) => tab.evaluate(() => document.querySelector('h1')?.textContent);

test('react: StrictMode, then replacing a component and the tracker’s own file, double nothing and lose nothing', {
  tag: '@slow',
}, async ({ visitor, examples, collector }) => {
  const folder = examples.install('react');
  const tab = await visitor.open(await dev(folder, collector.origin));
  await expect.poll(() => heading(tab)).toBe('Pick a plan');
  await tab.evaluate(() => {
    document.body.dataset.loaded = 'once';
  });

  edit(folder, 'src/app.jsx', (code) => code.replace('Pick a plan', 'Choose a plan'));
  await expect.poll(() => heading(tab), { timeout: 15_000 }).toBe('Choose a plan');
  await tab.click('button');
  edit(folder, 'src/analytics.js', (code) => `${code}\nwindow.replaced = true;\n`);
  await expect.poll(() => tab.evaluate(() => 'replaced' in window), { timeout: 15_000 }).toBe(true);
  await tab.click('button');

  const rows = await expectEvents(collector, ['page', 'Offer Seen', 'Signed Up', 'Signed Up']);
  expect(new Set(rows.map(({ source }) => source)).size).toBe(1);
  expect(await tab.evaluate(() => document.body.dataset.loaded), 'the page was not loaded anew').toBe('once');
});
