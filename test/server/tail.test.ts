import { describe, expect, it } from 'vitest';
import { post, queued, refusalOf, rows, setUp } from './support.js';

const TOKEN = 'a-token-of-some-length';
const ask = (query = '', token = TOKEN) =>
  new Request(`https://collector.example/tail${query}`, { headers: { authorization: `Bearer ${token}` } });

/** Reads a stream's lines as they come. */
function reader(response: Response) {
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
  const chunks = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  return {
    next: async () => (await chunks.read()).value,
    cancel: () => chunks.cancel(),
  };
}

const follow = async (set: ReturnType<typeof setUp>, query = '') => reader(await set.collector(ask(query)));

describe('following what arrives', () => {
  it('shows each event when it is stored, and once', async () => {
    const set = setUp({ tail: TOKEN });
    const { next } = await follow(set);

    await set.collector(post(rows(queued(1, 2))));
    await set.collector(post(rows(queued(2, 3))));

    const lines = [await next(), await next(), await next()].map((line) => JSON.parse(line!));
    expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(lines[0]).toEqual({
      id: 'AAAAAAAAAAAAAAAAAAAAAA.1',
      source: 'AAAAAAAAAAAAAAAAAAAAAA',
      seq: 1,
      name: 'click',
      category: 'custom',
      timestamp: 1_795_449_600_000,
      sent_at: 1_795_449_600_500,
      received_at: set.clock.now(),
      properties: { n: 1 },
    });
  });

  it('shows only those that have all of what is asked for', async () => {
    const set = setUp({ tail: TOKEN });
    const { next } = await follow(set, '?name=buy&user=u1');
    const events = queued(1, 4).map((event) => ({
      ...event,
      name: event.seq % 2 === 0 ? 'buy' : 'click',
      origin: { ...event.origin, userId: event.seq > 2 ? 'u1' : 'u2' },
    }));

    await set.collector(post(rows(events)));

    expect(JSON.parse((await next())!)).toMatchObject({ seq: 4, name: 'buy', user_id: 'u1' });
  });

  it('ends when the collector drains, and not before', async () => {
    const set = setUp({ tail: TOKEN });
    const { next } = await follow(set);
    await set.collector(post(rows(queued(1, 1))));

    set.collector.drain();

    expect(JSON.parse((await next())!)).toMatchObject({ seq: 1 });
    expect(await next()).toBeUndefined();
    expect(await refusalOf(set.collector(ask()))).toMatchObject({ status: 503, error: 'closing' });
    expect(set.clock.pending).toBe(0);
  });

  it('keeps the connection alive, and leaves nothing behind when it is closed', async () => {
    const set = setUp({ tail: TOKEN });
    const { next, cancel } = await follow(set);

    await set.clock.advance(15_000);

    expect(await next()).toBe('\n');
    await cancel();
    expect(set.clock.pending).toBe(0);
    expect((await set.collector(post(rows(queued(1, 1))))).status).toBe(200);
  });

  it('says how many events a slow reader missed, and holds up nobody', async () => {
    const set = setUp({ tail: TOKEN });
    const response = await set.collector(ask());

    expect((await set.collector(post(rows(queued(1, 3000))))).status).toBe(200);
    const { next } = reader(response);
    for (let seq = 1; seq <= 1000; seq++) expect(JSON.parse((await next())!).seq).toBe(seq);
    await set.collector(post(rows(queued(3001, 3001))));

    expect(JSON.parse((await next())!)).toEqual({ missed: 2000 });
    expect(JSON.parse((await next())!).seq).toBe(3001);
  });

  it('is for few at a time', async () => {
    const set = setUp({ tail: TOKEN });
    const all = await Promise.all(Array.from({ length: 16 }, () => follow(set)));

    expect(await refusalOf(set.collector(ask()))).toMatchObject({ status: 429, error: 'queue-full' });
    await all[0]!.cancel();
    expect((await set.collector(ask())).status).toBe(200);
  });

  it.each([
    ['?nam=x', '`nam`'],
    ['?name=', '`name`'],
  ])('refuses a parameter that means nothing: %s', async (query, name) => {
    const { collector } = setUp({ tail: TOKEN });

    const refusal = await refusalOf(collector(ask(query)));

    expect(refusal).toMatchObject({ status: 400, error: 'invalid-query' });
    expect(refusal.message).toContain(name);
  });

  it('is for who has the token', async () => {
    expect((await setUp().collector(ask())).status).toBe(405);
    const { collector } = setUp({ tail: TOKEN });

    expect(await refusalOf(collector(ask('', 'another-token')))).toMatchObject({ status: 401, error: 'unknown-token' });
    expect(await refusalOf(collector(new Request('https://collector.example/tail')))).toMatchObject({ status: 401 });
  });
});
