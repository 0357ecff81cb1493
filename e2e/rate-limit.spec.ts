import { expect, letTheWaitPass, settled, stats, test, track, trackAndStore } from './support/test.js';

test.describe('a collector that asks for patience', () => {
  for (const form of ['in seconds', 'as a date']) {
    test(`is left alone until its Retry-After ends (${form})`, async ({ visitor, site, collector }) => {
      // An HTTP date has whole seconds.
      const date = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 6_000);
      const retryAfter = form === 'as a date' ? date : 3;
      const limit = collector.misbehave({ kind: 'status', status: 429, retryAfter }, { times: 1 });
      const tab = await visitor.open(site.url('/app'));

      const names = await track(tab, 5);
      const { endedAt } = await collector.end(({ status }) => status === 429);
      for (let i = 0; i < 4; i++) names.push(...(await trackAndStore(tab, 100)));

      await collector.expectExactlyOnce(names, { by: 'name', withinMs: 40_000 });
      expect(limit.hits).toBe(1);
      const next = collector.requests.find(({ at }) => at > endedAt!)!;
      expect(next.at).toBeGreaterThanOrEqual(form === 'as a date' ? date.getTime() : endedAt! + 3_000);
    });
  }

  test('is left alone by a second tab and by a reload as well', async ({ visitor, site, collector }) => {
    collector.misbehave({ kind: 'status', status: 503, retryAfter: 4 }, { times: 1 });
    const tab = await visitor.open(site.url('/app'));
    const names = await track(tab, 5);
    const { endedAt } = await collector.end(({ status }) => status === 503);

    const other = await visitor.open(site.url('/app'));
    names.push(...(await trackAndStore(other, 5)));
    await other.goto(site.url('/app?again'));
    names.push(...(await trackAndStore(other, 5)));

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    const next = collector.requests.find(({ at }) => at > endedAt!)!;
    expect(next.at - endedAt!).toBeGreaterThanOrEqual(4_000);
  });

  test('is asked again although its Retry-After makes no sense', async ({ visitor, site, collector }) => {
    Object.assign(site.options, { maxDelayMs: 1_000 });
    const tab = await visitor.open(site.url('/app'));
    const names: string[] = [];

    for (const retryAfter of ['soon', '-5', '', '1e3', new Date(0).toUTCString()]) {
      const limit = collector.misbehave({ kind: 'status', status: 503, retryAfter }, { times: 1 });
      names.push(...(await track(tab, 5)));
      await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
      expect(limit.hits).toBe(1);
    }
  });

  test('is taken for a day at most, when it asks for ten years', async ({ visitor, site, collector }) => {
    collector.misbehave({ kind: 'status', status: 503, retryAfter: 315_360_000 }, { times: 1 });
    const tab = await visitor.open(site.url('/app'));
    const names = await track(tab, 5);
    await collector.end(({ status }) => status === 503);
    names.push(...(await trackAndStore(tab, 5)));

    const { pausedBy, nextAttemptAt } = await stats(tab);
    expect(pausedBy).toBe('rate-limited');
    // A day, and up to ten seconds by which browsers spread.
    expect(nextAttemptAt! - Date.now()).toBeLessThanOrEqual(86_410_000);
    await letTheWaitPass(tab);

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    expect(collector.requests.map(({ status }) => status)).toEqual([503, 200, 200]);
  });

  test('gets everything although CORS hides its Retry-After from the page', async ({ visitor, site, collector }) => {
    Object.assign(site.options, { maxDelayMs: 1_000 });
    collector.misbehave({ kind: 'status', status: 503, retryAfter: 60, exposed: false }, { times: 2 });
    const tab = await visitor.open(site.url('/app'));

    const names = await track(tab, 10);

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    expect((await settled(tab)).delivered).toBe(10);
  });
});
