import { describe, expect, it } from 'vitest';
import { answerOf, post, queued, refusalOf, rows, setUp, URL_OF_COLLECTOR } from './support.js';

const SHOP = 'https://shop.example';
const from = (origin: string, seq = 1) => post(rows(queued(seq, seq)), { origin });
const preflight = (origin: string) =>
  new Request(URL_OF_COLLECTOR, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  });

describe('an open collector', () => {
  it('lets every page read its answers, and when to come back', async () => {
    const { collector } = setUp();

    const { headers } = await collector(from(SHOP));

    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-expose-headers')).toBe('Retry-After, Date, X-Request-Id');
  });

  it('lets pages read refusals too', async () => {
    const { collector } = setUp();

    const { headers } = await collector(post('not JSON', { origin: SHOP }));

    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  it('answers preflights, and lets them be remembered', async () => {
    const { collector } = setUp();

    const { status, headers } = await collector(preflight(SHOP));

    expect(status).toBe(204);
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Authorization, Content-Type, Content-Encoding',
      'access-control-max-age': '7200',
    });
  });
});

describe('a collector with a list of origins', () => {
  const set = (origins: readonly string[] | ((origin: string) => boolean)) => setUp({ origins });

  it('takes events from pages on the list, and names the page, for caches in between', async () => {
    const { collector, sink } = set([SHOP]);

    const { status, headers } = await collector(from(SHOP));

    expect([status, headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([200, SHOP, 'Origin']);
    expect(sink.events.size).toBe(1);
  });

  it.each([
    'https://evil.example',
    'http://shop.example',
    'https://shop.example:8443',
    'https://shop.example.evil',
    'null',
  ])('refuses those of %s, so that the page’s developer can read why', async (origin) => {
    const { collector, sink } = set([SHOP]);

    const refusal = await refusalOf(collector(from(origin)));

    expect(refusal).toMatchObject({ status: 403, error: 'origin-not-allowed' });
    expect(refusal.message).toContain(origin);
    expect(refusal.headers.get('access-control-allow-origin')).toBe(origin);
    expect(sink.events.size).toBe(0);
  });

  it('takes what does not come from a page', async () => {
    const { collector } = set([SHOP]);

    const response = await collector(post(rows(queued(1, 1))));

    expect(response.headers.has('access-control-allow-origin')).toBe(false);
    expect(await answerOf(response)).toMatchObject({ accepted: 1 });
  });

  it('allows nothing in the preflight of a stranger', async () => {
    const { collector } = set([SHOP]);

    expect((await collector(preflight('https://evil.example'))).headers.has('access-control-allow-methods')).toBe(
      false,
    );
    expect((await collector(preflight(SHOP))).headers.get('access-control-allow-origin')).toBe(SHOP);
  });

  it('may be a function, and may name pages without an origin', async () => {
    const byFunction = set((origin) => origin.endsWith('.shop.example')).collector;
    const withNull = set(['null']).collector;

    expect((await byFunction(from('https://de.shop.example'))).status).toBe(200);
    expect((await byFunction(from('https://evil.example', 2))).status).toBe(403);
    expect((await withNull(from('null'))).status).toBe(200);
  });

  it('whose function throws answers 500 and tells the operator', async () => {
    const { collector, errors } = set(() => {
      throw new Error('bug');
    });

    expect(await refusalOf(collector(from(SHOP)))).toMatchObject({ status: 500, error: 'internal' });
    expect(await refusalOf(collector(preflight(SHOP)))).toMatchObject({ status: 500 });
    expect(errors).toMatchObject([{ message: 'bug' }, { message: 'bug' }]);
  });
});
