import type { Fault } from '../src/testing/index.js';
import { expect, settled, test, track } from './support/test.js';

const LOST: { title: string; fault: Fault }[] = [
  { title: 'the connection is reset after the body was stored', fault: { kind: 'reset', stored: true } },
  { title: 'the answer is cut in half', fault: { kind: 'truncate' } },
  { title: 'a gateway answers 504 for a body that was stored', fault: { kind: 'status', status: 504, stored: true } },
  {
    title: 'a gateway without CORS answers 502 for a body that was stored',
    fault: { kind: 'status', status: 502, cors: false, stored: true },
  },
];

for (const { title, fault } of LOST) {
  test(`an event is stored once although ${title}`, async ({ visitor, site, collector }) => {
    Object.assign(site.options, { initialDelayMs: 50 });
    const lost = collector.misbehave(fault, { times: 2 });
    const tab = await visitor.open(site.url('/app'));

    const names = await track(tab, 20);

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
    const { delivered } = await settled(tab);
    expect(lost.hits).toBe(2);
    expect(delivered).toBe(20);
    // Stored by the first request, known to the collector in the last.
    expect(collector.requests.at(-1)).toMatchObject({ status: 200, accepted: 0, duplicates: 20 });
  });
}

test('an event is stored once although the collector takes the body and never answers', async ({
  visitor,
  site,
  collector,
}) => {
  test.slow(); // The request's own timeout must pass.
  Object.assign(site.options, { initialDelayMs: 50 });
  collector.misbehave({ kind: 'silence', stored: true }, { times: 1 });
  const tab = await visitor.open(site.url('/app'));

  const names = await track(tab, 20);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  const { delivered } = await settled(tab, 40_000);
  expect(delivered).toBe(20);
});

for (const { title, body, contentType } of [
  { title: 'nothing', body: '', contentType: 'text/plain' },
  { title: 'a web page', body: '<!doctype html><p>Welcome to our Wi-Fi', contentType: 'text/html' },
  { title: 'JSON of another kind', body: '{"status":1}', contentType: 'application/json' },
]) {
  test(`an answer 200 with ${title} counts for the whole batch`, async ({ visitor, site, collector }) => {
    collector.misbehave({ kind: 'answer', body, contentType });
    const tab = await visitor.open(site.url('/app'));

    const names = await track(tab, 20);

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
    expect((await settled(tab)).delivered).toBe(20);
    expect(collector.requests).toHaveLength(1);
  });
}
