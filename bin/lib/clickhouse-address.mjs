// clickhouse://user:password@host:8123/database, or clickhouses:// for https

import { UsageError } from './command.mjs';

const FORM = 'clickhouse://user:password@host:8123/database';

/**
 * What an address says of ClickHouse's HTTP interface.
 *
 * @param {string} address
 * @param {string} by who said it
 * @returns {Pick<import('../../dist/server/sinks/clickhouse.js').ClickHouseSinkOptions, 'url' | 'database' | 'user' | 'password'>}
 * @throws UsageError
 */
export function readClickHouseAddress(address, by) {
  const web = address.replace(/^clickhouse(s?):/i, 'http$1:');
  // A URL would take the path of one without a host for its host.
  const url = /^http[^/]*\/\/[^/]/.test(web) && URL.canParse(web) ? new URL(web) : undefined;
  const database = url?.pathname.slice(1) ?? '';
  if (!url?.hostname || !/^\w*$/.test(database) || url.search || url.hash) {
    throw new UsageError(`${by} must be such as ${FORM}: the HTTP interface, and the name of a database`);
  }
  const [user, password] = [url.username, url.password].map(decodeURIComponent);
  return {
    url: `${url.protocol}//${url.hostname}:${url.port || 8123}`,
    ...(database && { database }),
    ...(user && { user }),
    ...(password && { password }),
  };
}
