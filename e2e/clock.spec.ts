import { breakWorker, serveFaultyWorker } from './support/faulty-worker.js';
import { expect, settled, test, track, trackAndStore } from './support/test.js';

const DAY_MS = 86_400_000;

test.beforeEach(({ site }) => serveFaultyWorker(site));

for (const [title, clockMs] of [
  ['a day ahead', DAY_MS],
  ['a day back', -DAY_MS],
  ['three seconds back, as time servers do,', -3_000],
] as const) {
  test(`a clock that jumps ${title} during a backoff leaves nothing stuck, lost or out of order`, async ({
    visitor,
    site,
    collector,
  }) => {
    Object.assign(site.options, { maxBatchSize: 5, maxRetries: 20, initialDelayMs: 200, maxDelayMs: 2_000 });
    const tab = await visitor.open(site.url('/app'));
    const names = await trackAndStore(tab, 1);
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });

    const away = collector.misbehave({ kind: 'status', status: 503 });
    names.push(...(await trackAndStore(tab, 20)));
    await collector.end(({ status }) => status === 503);
    await breakWorker(tab, { clockMs });
    names.push(...(await trackAndStore(tab, 20)));
    away.end();

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    expect(await settled(tab)).toMatchObject({ accepted: 41, delivered: 41, dropped: 0 });
    const seqs = (await collector.rows()).map(({ seq }) => seq);
    expect(seqs, 'in the order of their numbers').toEqual(seqs.toSorted((a, b) => a - b));
  });
}

test('a device whose clock is a day ahead has its events at the right time in the database', async ({
  visitor,
  site,
  collector,
}) => {
  site.answer('/harness.js', {
    change: (script) => `{ const now = Date.now; Date.now = () => now() + ${DAY_MS}; }\n${script}`,
  });
  const tab = await visitor.open(site.url('/app'));
  const before = Date.now();
  const names = await trackAndStore(tab, 1);
  await breakWorker(tab, { clockMs: DAY_MS });

  await new Promise((done) => setTimeout(done, 300));
  names.push(...(await track(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  const late = (await collector.rows()).filter(({ name }) => names.slice(1).includes(name));
  for (const { timestamp, corrected_at } of late) {
    expect(timestamp, 'the client’s own time stays').toBeGreaterThan(before + DAY_MS / 2);
    expect(corrected_at).toBeGreaterThan(before);
    expect(corrected_at).toBeLessThan(Date.now() + 5_000);
  }
});

test('a page whose timers are throttled to one in two seconds loses and doubles nothing', async ({
  visitor,
  site,
  collector,
}) => {
  site.answer('/harness.js', {
    change: (script) =>
      `{ const set = setTimeout; self.setTimeout = (run, ms, ...rest) => set(run, Math.max(ms ?? 0, 2000), ...rest); }\n${script}`,
  });
  const tab = await visitor.open(site.url('/app'));
  const names: string[] = [];

  for (let i = 0; i < 4; i++) names.push(...(await track(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
});
