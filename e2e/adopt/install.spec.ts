import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, expectEvents, test } from './test.js';

// What docs/install.md tells people to write, written into a site.

const DOCS = readFileSync(fileURLToPath(new URL('../../docs/install.md', import.meta.url)), 'utf8');

/** A code block by what follows its three backticks. It sends to the site's own `/events`, which is passed on to the collector. */
function block(name: string): string {
  const [, code = ''] = DOCS.match(new RegExp(`\`\`\`${name}\n([^]*?)\`\`\``)) ?? [];
  expect(code, `the block \`${name}\` of docs/install.md`).not.toBe('');
  expect(code.trim().split('\n').length, 'lines').toBeLessThanOrEqual(10);
  return code
    .replace('https://collect.example/events', '/events')
    .replace("'shop'", "'example'")
    .replace('"shop"', '"example"');
}

/** A page with the script that Vite's templates have. */
const PAGE =
  '<!doctype html><meta charset="utf-8" /><title>new</title><script type="module" src="/src/main.js"></script>';

test('the lines for a script tag record a page view and an event', async ({ visitor, examples, serve, collector }) => {
  const folder = examples.install('vanilla');
  for (const file of ['petrel.js', 'register.js', 'in-page-host.js', 'petrel-sw.js'])
    copyFileSync(join(folder, 'node_modules/petrel/dist', file), join(folder, file));
  writeFileSync(join(folder, 'index.html'), `<!doctype html><title>new</title>${block('html script-tag')}`);
  const site = await serve({ folder });

  await visitor.open(site.url('/'));

  await expectEvents(collector, ['page', 'Signed Up']);
});

// @slow: they build, which is the same for every engine.
for (const { title, example, config, main, events, worker } of [
  {
    title: 'npm and Vite',
    example: 'vite',
    config: 'js vite.config.js',
    main: 'js src/main.js',
    events: ['page', 'Signed Up'],
    worker: '/petrel-sw.js',
  },
  {
    title: 'a PWA',
    example: 'pwa',
    config: 'js pwa vite.config.js',
    main: 'js pwa src/main.js',
    events: ['Signed Up'],
    worker: '/sw.js',
  },
]) {
  test(`the lines for ${title} build, record, and have their worker`, { tag: '@slow' }, async ({
    visitor,
    examples,
    serve,
    collector,
  }) => {
    const folder = await examples.build(example, {
      'index.html': PAGE,
      'vite.config.js': block(config),
      'src/main.js': block(main),
    });
    const site = await serve({ folder: join(folder, 'dist') });

    const tab = await visitor.open(site.url('/'));

    await expectEvents(collector, events);
    const scripts = await tab.evaluate(async () =>
      (await navigator.serviceWorker.getRegistrations()).map(({ active }) => new URL(active!.scriptURL).pathname),
    );
    expect(scripts).toEqual([worker]);
  });
}
