import { describe, expect, it } from 'vitest';
import { readClickHouseAddress } from '../../../bin/lib/clickhouse-address.mjs';

describe('the address of a ClickHouse', () => {
  it.each([
    ['clickhouse://localhost', { url: 'http://localhost:8123' }],
    ['clickhouse://a:8124/events', { url: 'http://a:8124', database: 'events' }],
    ['clickhouses://a:8443/', { url: 'https://a:8443' }],
    ['clickhouse://user:p%40ss@a/shop', { url: 'http://a:8123', database: 'shop', user: 'user', password: 'p@ss' }],
  ])('%s', (address, place) => {
    expect(readClickHouseAddress(address, '--sink')).toEqual(place);
  });

  it.each([
    'clickhouse://',
    'clickhouse:///database',
    'clickhouse://a/two/parts',
    'clickhouse://a/with space',
    'clickhouse://a?x=1',
  ])('is refused by the name of who said it: %s', (address) => {
    expect(() => readClickHouseAddress(address, '--sink')).toThrow('--sink must be such as clickhouse://');
  });
});
