import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouseSinkOptions, createClickHouseSink } from '../../../src/server/sinks/clickhouse.js';
import type { ReceivedDrop } from '../../../src/server/sinks/sink.js';
import { receivedEvent, SOURCE, sinkContract } from '../../contract/sink.contract.js';
import { type ClickHouse, findClickHouse, startClickHouse } from '../../support/engines/clickhouse.js';
import { describeEngine } from '../../support/engines/describe-engine.js';
import { freePort } from '../../support/engines/engine.js';
import { startStallingProxy } from '../../support/engines/stalling-proxy.js';
import { storedEvent } from '../../support/stored-event.js';

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => receivedEvent(first + i));

describeEngine('ClickHouse', findClickHouse(), (program) => {
  let clickhouse: ClickHouse;
  let databases = 0;
  const newDatabase = () => `petrel_${++databases}`;
  beforeAll(async () => {
    clickhouse = await startClickHouse(program);
  }, 90_000);
  afterAll(() => clickhouse?.dispose());

  type Row = Omit<Parameters<typeof storedEvent>[0], 'properties' | 'context'> & {
    properties: string;
    context: string | null;
  };
  const eventsIn = async (database: string) =>
    (await clickhouse.query<Row>(`SELECT * FROM ${database}.events FINAL FORMAT JSONEachRow`)).map((row) =>
      storedEvent({ ...row, properties: JSON.parse(row.properties), context: row.context && JSON.parse(row.context) }),
    );
  const open = (database: string, options: Partial<ClickHouseSinkOptions> = {}) =>
    createClickHouseSink({ url: clickhouse.url, database, lingerMs: 5, ...options });

  sinkContract('the ClickHouse sink', async () => {
    const database = newDatabase();
    const proxy = await startStallingProxy(clickhouse.port);
    const url = `http://127.0.0.1:${proxy.port}`;
    const openSink = () => open(database, { url, closeTimeoutMs: 300 });
    return {
      sink: await openSink(),
      again: openSink,
      events: () => eventsIn(database),
      drops: async () =>
        (
          await clickhouse.query<Omit<ReceivedDrop, 'receivedAt'> & { received_at: string }>(
            `SELECT * FROM ${database}.drops FINAL ORDER BY reason FORMAT JSONEachRow`,
          )
        ).map(({ received_at, first, last, ...drop }) => ({
          ...drop,
          first: Number(first),
          last: Number(last),
          receivedAt: Number(received_at),
        })),
      outage: { begin: clickhouse.kill, end: clickhouse.start },
      hang: proxy,
      // Worked out when a row is inserted: an exception there refuses it.
      poison: async ({ id }) => {
        await clickhouse.query(
          `ALTER TABLE ${database}.events ADD COLUMN refuse UInt8 MATERIALIZED throwIf(id = '${id}')`,
        );
      },
      without: ['telling duplicates', 'order'],
      async dispose() {
        await proxy.close();
        await clickhouse.query(`DROP DATABASE ${database}`);
      },
    };
  });

  describe('the ClickHouse sink', () => {
    it('keeps the copy of an event that was received first, whichever was inserted first', async () => {
      const database = newDatabase();
      const sink = await open(database);

      await sink.write([receivedEvent(1, { receivedAt: 2_000, name: 'second' })], []);
      await sink.write([receivedEvent(1, { receivedAt: 1_000, name: 'first' })], []);
      await sink.write([receivedEvent(1, { receivedAt: 3_000, name: 'third' })], []);

      expect(await eventsIn(database)).toMatchObject([{ name: 'first' }]);
      await clickhouse.query(`OPTIMIZE TABLE ${database}.events FINAL`);
      expect(await clickhouse.query(`SELECT name FROM ${database}.events FORMAT JSONEachRow`)).toEqual([
        { name: 'first' },
      ]);
      await sink.close();
    });

    it('puts small writes together to large inserts', async () => {
      const database = newDatabase();
      const sink = await open(database, { minRows: 1_000, lingerMs: 5_000 });

      await Promise.all(Array.from({ length: 100 }, (_, i) => sink.write(range(1 + 20 * i, 20 + 20 * i), [])));

      const parts = await clickhouse.query<{ rows: string }>(
        `SELECT toString(rows) AS rows FROM system.parts WHERE database = '${database}' AND table = 'events' FORMAT JSONEachRow`,
      );
      expect(parts.reduce((sum, { rows }) => sum + Number(rows), 0)).toBe(2_000);
      expect(parts.length).toBeLessThanOrEqual(2);
      await sink.close();
    });

    it('refuses an event to everybody who handed it in, and stores the others of the group', async () => {
      const database = newDatabase();
      const sink = await open(database, { lingerMs: 200 });
      await clickhouse.query(
        `ALTER TABLE ${database}.events ADD COLUMN refuse UInt8 MATERIALIZED throwIf(id = '${SOURCE}.3')`,
      );

      const [first, second] = await Promise.all([sink.write(range(1, 4), []), sink.write(range(3, 6), [])]);

      expect(first.rejected).toEqual([{ index: 2, reason: 'clickhouse-395' }]);
      expect(second.rejected).toEqual([{ index: 0, reason: 'clickhouse-395' }]);
      expect((await eventsIn(database)).map(({ seq }) => seq).sort()).toEqual([1, 2, 4, 5, 6]);
      await sink.close();
    });

    it('loses no event when it is the table that is wrong, and not the events', async () => {
      const database = newDatabase();
      const sink = await open(database);
      await clickhouse.query(`ALTER TABLE ${database}.events ADD COLUMN refuse UInt8 MATERIALIZED throwIf(seq > 0)`);
      await expect(sink.write(range(1, 20), [])).rejects.toMatchObject({ code: 395 });
      await clickhouse.query(`ALTER TABLE ${database}.events DROP COLUMN refuse`);
      await clickhouse.query(`RENAME TABLE ${database}.events TO ${database}.elsewhere`);
      await expect(sink.write(range(1, 20), [])).rejects.toMatchObject({ code: 60 });
      await clickhouse.query(`RENAME TABLE ${database}.elsewhere TO ${database}.events`);

      await sink.write(range(1, 20), []);

      expect(await eventsIn(database)).toHaveLength(20);
      await sink.close();
    });
  });
});

/** A server that answers from a list, and remembers what it was asked. */
async function scriptedServer(answers: (readonly [status: number, body: string])[], version: string) {
  const inserts: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', () => {
      const { searchParams } = new URL(request.url!, 'http://host');
      const isInsert = searchParams.has('query');
      if (isInsert) inserts.push(searchParams);
      const [status, text] = isInsert
        ? (answers.shift() ?? [200, ''])
        : [200, body.includes('version()') ? version : ''];
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inserts,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

describe('the ClickHouse sink, to a server that answers as told,', () => {
  const tooManyParts = [500, 'Code: 252, e.displayText() = DB::Exception: Too many parts (300).'] as const;
  const badGateway = [502, '<html>bad gateway</html>'] as const;

  it('makes an insert that failed again, with the same token, so that a block which was stored is known', async () => {
    const server = await scriptedServer([tooManyParts, badGateway], '24.8.1.1\n');
    const sink = await createClickHouseSink({ url: server.url, lingerMs: 0 });

    await sink.write([receivedEvent(1)], []);

    const tokens = server.inserts.map((search) => search.get('insert_deduplication_token'));
    expect(tokens).toEqual([tokens[0], tokens[0], tokens[0]]);
    expect(tokens[0]).toMatch(/^[\w-]{43}$/);
    await sink.close();
    await server.close();
  });

  it('gives up after three attempts, and sends no token to a release that knows none', async () => {
    const server = await scriptedServer([tooManyParts, tooManyParts, tooManyParts], '18.16.1\n');
    const sink = await createClickHouseSink({ url: server.url, lingerMs: 0 });

    await expect(sink.write([receivedEvent(1)], [])).rejects.toMatchObject({ code: 252 });

    expect(server.inserts.map((search) => search.has('insert_deduplication_token'))).toEqual([false, false, false]);
    await sink.close();
    await server.close();
  });

  it.each([
    [{ url: 'clickhouse://x' }, /`url` must be the URL of the HTTP interface/],
    [{ url: 'http://x', database: 'a-b' }, /`database` must be a name of letters, digits and _, not "a-b"/],
    [{ url: 'http://x', minRows: 0 }, /`minRows` must be a whole number from 1 to 1000000, not 0/],
    [{ url: 'http://x', lingerMs: 9_000 }, /`lingerMs` must be a whole number from 0 to 5000, not 9000/],
  ])('refuses the options %j', async (options, message) => {
    await expect(createClickHouseSink(options)).rejects.toThrow(message);
  });

  it('says why it cannot connect', async () => {
    await expect(createClickHouseSink({ url: `http://127.0.0.1:${await freePort()}` })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/^ClickHouse cannot be used: .*ECONNREFUSED/),
    });
  });
});
