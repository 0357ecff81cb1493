import { describe, expect, it } from 'vitest';
import type { CollectorOptions } from '../../../src/server/options.js';
import { answerOf, columns, post, queued, refusalOf, SOURCE, setUp, URL_OF_COLLECTOR } from '../support.js';

const TOKEN = 'a-long-and-secret-token';

async function filled(options: Partial<CollectorOptions> = { ledger: { token: TOKEN } }) {
  const { collector, clock } = setUp(options);
  await answerOf(collector(post(columns([...queued(1, 3), ...queued(5, 6)], { key: 'shop', sdk: '1.2.3' }))));
  await answerOf(collector(post(columns(queued(1, 2, 'BBBBBBBBBB')))));
  const get = (query = '', headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) =>
    collector(new Request(`${URL_OF_COLLECTOR}/ledger${query}`, { headers }));
  return { collector, clock, get, read: async (query = '') => (await get(query)).json() };
}

describe('GET /ledger', () => {
  it('tells what arrived, what may yet come, and what is missing', async () => {
    const { read, clock } = await filled();
    const now = clock.now();

    expect(await read()).toEqual({
      verdict: 'nothing-missing',
      at: now,
      maxAgeMs: 691_200_000,
      missingSources: 0,
      by: 'day',
      total: expect.objectContaining({ sources: 2, accepted: 8, delivered: 7, possible: 1, missing: 0 }),
      rows: [expect.objectContaining({ name: new Date(now).toISOString().slice(0, 10), delivered: 7 })],
    });

    expect(await read(`?at=${now + 700_000_000}`)).toMatchObject({ verdict: 'missing', missingSources: 1 });
  });

  it('tells it by source, with the missing numbers', async () => {
    const { read, clock } = await filled();

    const report = await read(`?by=source&missing=1&at=${clock.now() + 700_000_000}`);

    expect(report.rows).toMatchObject([
      { name: SOURCE, missing: 1, source: { highest: 6, release: 'petrel 1.2.3', key: 'shop', missing: [[4, 4]] } },
    ]);
    expect((await read(`?source=${SOURCE}`)).total).toMatchObject({ sources: 1, delivered: 5 });
    expect((await read('?source=unknown-source')).total).toMatchObject({ sources: 0 });
    expect((await read('?from=2031-01-01')).total).toMatchObject({ sources: 0 });
    expect((await read('?to=2031-01-01')).total).toMatchObject({ sources: 2 });
  });

  it('gives its entries, to be added to those of other collectors', async () => {
    const { read } = await filled();

    const first = await read('?by=entries&limit=1');
    const second = await read(`?by=entries&limit=1&after=${first.next}`);

    expect(first.entries).toMatchObject([
      [
        SOURCE,
        {
          delivered: [
            [1, 3],
            [5, 6],
          ],
        },
      ],
    ]);
    expect(first.totals).toEqual([]);
    expect(second.entries).toMatchObject([['BBBBBBBBBB', { delivered: [[1, 2]] }]]);
    expect(second).not.toHaveProperty('totals');
    expect(second.ledger).toBe(first.ledger);
  });

  it.each([
    ['?by=colour', 'by'],
    ['?by=constructor', 'by'],
    ['?from=yesterday', 'from'],
    ['?to=2026-13-45', 'to'],
    ['?limit=0', 'limit'],
    ['?limit=1e9', 'limit'],
    ['?at=-1', 'at'],
    ['?missing=yes', 'missing'],
    ["?source=';DROP TABLE ledger;--", 'source'],
    ['?colour=red', 'colour'],
  ])('says what is wrong with %s', async (query, parameter) => {
    const { get } = await filled();

    const refusal = await refusalOf(get(query));

    expect(refusal).toMatchObject({ status: 400, error: 'invalid-query' });
    expect(refusal.message).toContain(`\`${parameter}\``);
  });

  it.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer a-long-and-secret-tokem' }],
    ['a longer one', { authorization: `Bearer ${TOKEN}x` }],
    ['a password', { authorization: `Basic ${TOKEN}` }],
    ['a write key', { authorization: 'Bearer shop' }],
  ])('is not for those with %s', async (_, headers) => {
    const { get } = await filled();

    expect(await refusalOf(get('', headers as Record<string, string>))).toMatchObject({
      status: 401,
      error: 'unknown-token',
    });
  });

  it('is not there without a token', async () => {
    const { get } = await filled({});

    expect((await get()).status).toBe(405);
  });

  it('says so where the sink keeps none', async () => {
    const { sink } = setUp();
    const { ledger: _, ...bare } = sink;
    const { get } = await filled({ sink: bare, ledger: { token: TOKEN } });

    expect(await refusalOf(get())).toMatchObject({ status: 404, message: expect.stringContaining('ledger') });
  });
});

describe('the option `ledger`', () => {
  it.each([
    [{ token: 'short' }, '`ledger.token`'],
    [{ token: 7 }, '`ledger.token`'],
    [{ maxAgeMs: 0 }, '`ledger.maxAgeMs`'],
    [{ store: {} }, '`ledger.store`'],
    [{ colour: 'red' }, '`ledger.colour`'],
    ['yes', '`ledger`'],
  ])('is refused as %j', (ledger, named) => {
    expect(() => setUp({ ledger: ledger as never })).toThrow(named);
  });

  it('does not repeat a token that is wrong', () => {
    expect(() => setUp({ ledger: { token: 'hunter2' } })).toThrow(/^(?!.*hunter2)/);
  });
});
