import { expect, settled, test, track, trackAndStore } from './support/test.js';

test('a page that was idle for 35 s, longer than a browser keeps a worker, goes on', { tag: '@slow' }, async ({
  engine,
  visitor,
  site,
  collector,
}) => {
  test.skip(engine === 'chromium', 'Playwright keeps the worker awake; worker-stopped.spec.ts stops it');
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  await settled(tab);

  await new Promise((done) => setTimeout(done, 35_000));
  names.push(...(await track(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
  expect(await settled(tab)).toMatchObject({ accepted: 10, delivered: 10 });
});
