import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, expectEvents, test } from './test.js';

// The examples as their users' visitors meet them: built, and served.
// @slow: builds are the same for every engine.

test('vanilla: a script tag records the page, the call before it, and the click', async ({
  visitor,
  examples,
  serve,
  collector,
}) => {
  const folder = examples.install('vanilla');
  for (const file of ['petrel.js', 'register.js', 'in-page-host.js', 'petrel-sw.js'])
    copyFileSync(join(folder, 'node_modules/petrel/dist', file), join(folder, file));
  const site = await serve({ folder });
  const tab = await visitor.open(site.url('/'));

  await tab.click('#sign-up');

  const rows = await expectEvents(collector, ['Page Parsed', 'page', 'Signed Up']);
  expect(JSON.parse(rows.find(({ name }) => name === 'Signed Up')!.properties)).toEqual({ plan: 'free' });
});

test('vite: each page of the app is a page view, and the built worker is used', { tag: '@slow' }, async ({
  visitor,
  examples,
  serve,
  collector,
}) => {
  const site = await serve({ folder: join(await examples.build('vite'), 'dist') });
  const tab = await visitor.open(site.url('/'));

  await tab.click('a[href="/pricing"]');
  await tab.click('#sign-up');
  await tab.click('a[href="/"]');

  const rows = await expectEvents(collector, ['page', 'page', 'page', 'Signed Up']);
  const pages = rows.filter(({ name }) => name === 'page').map(({ properties }) => JSON.parse(properties).path);
  expect(pages).toEqual(['/', '/pricing', '/']);
  const scopes = await tab.evaluate(async () =>
    (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => new URL(scope).pathname),
  );
  expect(scopes).toEqual(['/petrel-sw/']);
});

test('react: built, it records the page, what is seen, and the click', { tag: '@slow' }, async ({
  visitor,
  examples,
  serve,
  collector,
}) => {
  const site = await serve({ folder: join(await examples.build('react'), 'dist') });
  const tab = await visitor.open(site.url('/'));

  await tab.click('button');

  await expectEvents(collector, ['page', 'Offer Seen', 'Signed Up']);
});

test.describe('ssr', () => {
  let server: ChildProcess | undefined;
  test.afterEach(() => {
    server?.kill();
  });

  test('the page is rendered without an event, hydrated, and recorded in the browser', { tag: '@slow' }, async ({
    visitor,
    examples,
    serve,
    collector,
  }) => {
    const folder = await examples.build('ssr');
    expect(existsSync(join(folder, 'dist/client/petrel-sw.js'))).toBe(true);
    expect(existsSync(join(folder, 'dist/server/petrel-sw.js'))).toBe(false);
    // Both set, as by runners of tests, Node complains.
    const env = { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, PORT: '0' };
    server = spawn(process.execPath, ['server.js'], { cwd: folder, env });
    const errors: string[] = [];
    server.stderr!.on('data', (text) => errors.push(String(text)));
    const upstream = await new Promise<string>((done, failed) => {
      server!.stdout!.on('data', (text) => done(String(text).trim()));
      server!.on('exit', () => failed(new Error(`the server ended: ${errors.join('')}`)));
    });
    const site = await serve({ upstream });

    const html = await (await fetch(site.url('/about'))).text();
    expect(html).toContain('You are at');
    expect(await collector.rows()).toEqual([]);

    const tab = await visitor.open(site.url('/about'));
    await tab.click('button');

    // A mismatch between what the server and the browser render would be a complaint of the page.
    const rows = await expectEvents(collector, ['page', 'Signed Up']);
    expect(new Set(rows.map(({ source }) => source)).size).toBe(1);
    expect(errors).toEqual([]);
  });
});
