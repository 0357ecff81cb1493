import { describe, expect, it } from 'vitest';
import { addressOf, senderOf, truncateAddress } from '../../src/server/address.js';
import { createRateLimiter } from '../../src/server/rate-limit.js';
import { answerOf, post, queued, refusalOf, rows, setUp } from './support.js';

function limiter(options: { perSecond: number; burst: number; maxSenders?: number }) {
  let now = 1_000_000;
  const { take } = createRateLimiter({ ...options, now: () => now });
  return {
    take,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('a rate limiter', () => {
  it('lets a burst through, then as much as comes in a second', () => {
    const { take, pass } = limiter({ perSecond: 2, burst: 3 });

    expect([take('a', 1), take('a', 1), take('a', 1)]).toEqual([0, 0, 0]);
    expect(take('a', 1)).toBe(500);
    pass(499);
    expect(take('a', 1)).toBe(1);
    pass(1);
    expect(take('a', 1)).toBe(0);
    expect(take('a', 1)).toBe(500);
  });

  it('asks each sender alone', () => {
    const { take } = limiter({ perSecond: 1, burst: 1 });

    expect([take('a', 1), take('b', 1), take('a', 1)]).toEqual([0, 0, 1000]);
  });

  it('lets more than a burst through at once, and makes it wait for that, at most a burst long', () => {
    const { take, pass } = limiter({ perSecond: 10, burst: 100 });

    expect(take('a', 5000)).toBe(0);
    expect(take('a', 1)).toBe(10_100);
    pass(10_100);
    expect(take('a', 1)).toBe(0);
  });

  it('fills no further than the burst, however long it was quiet', () => {
    const { take, pass } = limiter({ perSecond: 1, burst: 2 });
    pass(86_400_000);

    expect([take('a', 1), take('a', 1), take('a', 1)]).toEqual([0, 0, 1000]);
  });

  it('gives nothing for a clock that is set back, and goes on from there', () => {
    const { take, pass } = limiter({ perSecond: 1, burst: 1 });
    take('a', 1);

    pass(-3_600_000);

    expect(take('a', 1)).toBe(1000);
    pass(1000);
    expect(take('a', 1)).toBe(0);
  });

  it('remembers so many senders and forgets the one that was quiet for the longest', () => {
    const { take } = limiter({ perSecond: 1, burst: 1, maxSenders: 2 });

    expect([take('a', 1), take('b', 1), take('a', 1), take('c', 1)]).toEqual([0, 0, 1000, 0]);

    expect([take('a', 1), take('b', 1)]).toEqual([1000, 0]);
  });
});

describe('the address of a request', () => {
  const client = { address: '10.0.0.1' };
  const from = (forwarded?: string) => new Headers(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded });

  it.each<[string, string | undefined, number, string | undefined]>([
    ['is the connection’s', undefined, 0, '10.0.0.1'],
    ['is not what anybody says it is', '1.2.3.4', 0, '10.0.0.1'],
    ['is what one’s own proxy says', '6.6.6.6, 1.2.3.4', 1, '1.2.3.4'],
    ['is what the first of two proxies says', '6.6.6.6, 1.2.3.4, 10.0.0.9', 2, '1.2.3.4'],
    ['is the connection’s where it came past the proxies', '1.2.3.4', 2, '10.0.0.1'],
    ['is without its port', '1.2.3.4:5678', 1, '1.2.3.4'],
    ['is without brackets and port', '[2001:db8::1]:443', 1, '2001:db8::1'],
    ['is the connection’s where the proxy says nothing', '', 1, '10.0.0.1'],
  ])('%s', (_, forwarded, proxies, address) => {
    expect(addressOf(from(forwarded), client, proxies)).toBe(address);
  });

  it('is unknown where the host passes on something else', () => {
    expect(addressOf(from(), { address: { port: 80 } } as never, 0)).toBeUndefined();
    expect(addressOf(from(), undefined, 0)).toBeUndefined();
  });

  it.each<[string, string, string | undefined]>([
    ['192.0.2.77', '192.0.2.77', '192.0.2.0'],
    ['::ffff:192.0.2.77', '192.0.2.77', '192.0.2.0'],
    ['::FFFF:c000:24d', '192.0.2.77', '192.0.2.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', '2001:db8:1::'],
    ['2001:0DB8:0001:0002::6', '2001:db8:1:2::', '2001:db8:1::'],
    ['2001:db8::1', '2001:db8:0:0::', '2001:db8:0::'],
    ['::1', '0:0:0:0::', '0:0:0::'],
    ['fe80::1%eth0', 'fe80:0:0:0::', 'fe80:0:0::'],
    ['999.1.1.1', '999.1.1.1', undefined],
    ['1.2.3', '1.2.3', undefined],
    ['unknown', 'unknown', undefined],
    ['_hidden:x', '_hidden:x', undefined],
    ['x'.repeat(100), 'x'.repeat(64), undefined],
  ])('%s counts as sender %s, and is %s when it is truncated', (address, sender, truncated) => {
    expect(senderOf(address)).toBe(sender);
    expect(truncateAddress(address)).toBe(truncated);
  });
});

describe('a collector with rates', () => {
  const body = (seq: number, key?: string) => rows(queued(seq, seq), key === undefined ? {} : { key });

  it('refuses an address that comes too often before it reads a body, and says when to come back', async () => {
    const { collector, clock, sink } = setUp({ rates: { perAddress: 1, perAddressBurst: 2 } });
    const send = (text: string, address: string) => collector(post(text), { address });
    await send(body(1), '192.0.2.1');
    await send('not JSON', '192.0.2.1');

    const refusal = await refusalOf(send('also not JSON', '192.0.2.1'));

    expect(refusal).toMatchObject({ status: 429, error: 'rate-limited' });
    expect(refusal.headers.get('retry-after')).toBe('1');
    expect(refusal.headers.get('access-control-expose-headers')).toContain('Retry-After');
    expect(await answerOf(send(body(2), '192.0.2.2'))).toMatchObject({ accepted: 1 });
    await clock.advance(1_000);
    expect(await answerOf(send(body(3), '192.0.2.1'))).toMatchObject({ accepted: 1 });
    expect(sink.events.size).toBe(3);
  });

  it('counts a network of IPv6 as one sender, and who has no address as nobody', async () => {
    const { collector } = setUp({ rates: { perAddress: 1, perAddressBurst: 1 } });

    expect((await collector(post(body(1)), { address: '2001:db8::1' })).status).toBe(200);
    expect((await collector(post(body(2)), { address: '2001:db8::2' })).status).toBe(429);
    expect((await collector(post(body(3)))).status).toBe(200);
    expect((await collector(post(body(4)))).status).toBe(200);
  });

  it('counts the events of a write key, and takes a body as a whole or not at all', async () => {
    const { collector, clock, sink } = setUp({ keys: ['a', 'b'], rates: { perKey: 10, perKeyBurst: 10 } });
    const send = (first: number, last: number, key: string) => collector(post(rows(queued(first, last), { key })));

    expect(await answerOf(send(1, 15, 'a'))).toMatchObject({ accepted: 15 });
    expect(await refusalOf(send(16, 17, 'a'))).toMatchObject({ status: 429, error: 'rate-limited' });
    expect(await answerOf(send(18, 19, 'b'))).toMatchObject({ accepted: 2 });
    expect(sink.events.size).toBe(17);
    await clock.advance(600);
    expect(await answerOf(send(16, 17, 'a'))).toMatchObject({ accepted: 2 });
  });

  it('lets notes without events through', async () => {
    const { collector } = setUp({ rates: { perKey: 1, perKeyBurst: 1 } });
    await answerOf(collector(post(body(1))));

    expect((await collector(post(body(2)))).status).toBe(429);
    expect((await collector(post(rows([], { tails: [['AAAAAAAAAAAAAAAAAAAAAA', 5, 1]] })))).status).toBe(200);
  });
});
