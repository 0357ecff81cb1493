import { expect, letTheWaitPass, newNames, settled, test, track, trackAndStore } from './support/test.js';

for (const { title, answer } of [
  { title: 'by name, with a reason', answer: 'event' as const },
  { title: 'by refusing the whole batch, without a word', answer: 400 },
]) {
  test(`one event that the collector refuses ${title} is set aside and the others arrive`, async ({
    visitor,
    site,
    collector,
  }) => {
    collector.misbehave({ kind: 'poison', name: 'poison', answer, reason: 'schema' });
    const tab = await visitor.open(site.url('/app'));
    await tab.evaluate(() => harness.watch());
    const names = newNames(40);

    await tab.evaluate((names) => harness.track([...names.slice(0, 13), 'poison', ...names.slice(13)]), names);

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    const stats = await settled(tab);
    expect(stats).toMatchObject({ delivered: 40, dropped: 1, droppedByReason: { refused: 1 }, quarantined: 1 });
    expect((await collector.rows()).map(({ name }) => name)).not.toContain('poison');
    // Set aside, not tried for ever: what comes later goes alone.
    const tries = collector.timesOnWire('poison');
    names.push(...(await trackAndStore(tab, 5)));
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    await settled(tab);
    expect(collector.timesOnWire('poison')).toBe(tries);
    expect(tries).toBeLessThanOrEqual(answer === 'event' ? 1 : 8);
  });
}

for (const { title, bytes, properties } of [
  { title: '100 KB', bytes: 100_000, properties: { text: 'x'.repeat(4_000) } },
  { title: '1 KB', bytes: 1_000, properties: undefined },
]) {
  test(`a collector that takes no more than ${title} gets smaller batches, and every event`, async ({
    visitor,
    site,
    collector,
  }) => {
    collector.misbehave({ kind: 'limit', bytes });
    const tab = await visitor.open(site.url('/app'));
    const incompressible = newNames(60).map((name) => ({ name, text: randomText(properties ? 4_000 : 40) }));

    await tab.evaluate((events) => {
      for (const { name, text } of events) harness.tracker.track(name, { text });
    }, incompressible);

    const names = incompressible.map(({ name }) => name);
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 30_000 });
    expect((await settled(tab)).dropped).toBe(0);
  });
}

for (const status of [401, 403, 404]) {
  test(`events go on arriving after a collector answered ${status} for a while`, async ({
    visitor,
    site,
    collector,
  }) => {
    const wrong = collector.misbehave({ kind: 'status', status });
    const tab = await visitor.open(site.url('/app'));
    const names = await track(tab, 10);
    await collector.end((request) => request.status === status);

    for (let i = 0; i < 5; i++) names.push(...(await trackAndStore(tab, 10)));
    const asked = collector.requests.length;
    const { pausedBy, inFlight, waiting } = await tab.evaluate(() => harness.tracker.stats());
    wrong.end();
    await letTheWaitPass(tab);

    // Slow probes: however many events came, the collector was not asked again.
    expect(asked).toBe(1);
    expect({ pausedBy, kept: inFlight! + waiting! }).toEqual({ pausedBy: 'held', kept: 60 });
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  });
}

/** Text that gzip cannot shorten by much. */
function randomText(length: number): string {
  return Array.from({ length }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('');
}
