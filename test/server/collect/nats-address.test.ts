import { describe, expect, it } from 'vitest';
import { readNatsAddress } from '../../../bin/lib/nats-address.mjs';

describe('the address of a stream', () => {
  it.each([
    ['nats://localhost', { servers: ['localhost'] }],
    ['nats://a:4222,b:4223', { servers: ['a:4222', 'b:4223'] }],
    ['nats://a:4222/PETREL', { servers: ['a:4222'] }],
    ['nats://a/SHOP', { servers: ['a'], stream: 'SHOP', subject: 'SHOP.events' }],
    ['nats://user:p%40ss:x@a/', { servers: ['a'], connection: { user: 'user', pass: 'p@ss:x' } }],
    ['nats://token@a', { servers: ['a'], connection: { token: 'token' } }],
    ['tls://a', { servers: ['a'], connection: { tls: {} } }],
  ])('%s', (address, place) => {
    expect(readNatsAddress(address, '--sink')).toEqual(place);
  });

  it.each(['nats://', 'nats:///STREAM', 'http://a', 'nats://a/two/parts', 'nats://a/with space', 'nats://a?x=1'])(
    'is refused by the name of who said it: %s',
    (address) => {
      expect(() => readNatsAddress(address, '--from')).toThrow('--from must be such as nats://host:4222/STREAM');
    },
  );
});
