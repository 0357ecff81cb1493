import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DropReason } from '../../../src/core/outcome.js';
import { createPostgresSink } from '../../../src/server/sinks/postgres.js';
import { receivedEvent, sinkContract } from '../../contract/sink.contract.js';
import { describeEngine } from '../../support/engines/describe-engine.js';
import { findPostgres, type Postgres, startPostgres } from '../../support/engines/postgres.js';
import { startStallingProxy } from '../../support/engines/stalling-proxy.js';
import { storedEvent } from '../../support/stored-event.js';

describeEngine('PostgreSQL', findPostgres(), (programs) => {
  let postgres: Postgres;
  let schemas = 0;
  const newSchema = () => `petrel ${++schemas}`;
  beforeAll(async () => {
    postgres = await startPostgres(programs);
  }, 90_000);
  afterAll(() => postgres?.dispose());

  type Row = Parameters<typeof storedEvent>[0] & { original: string | null };
  const eventsIn = async (schema: string) =>
    (await postgres.query<Row>(`SELECT * FROM "${schema}".events ORDER BY position`)).map((row) =>
      storedEvent(row.original === null ? row : JSON.parse(row.original)),
    );

  sinkContract('the PostgreSQL sink', async () => {
    const schema = newSchema();
    const proxy = await startStallingProxy(postgres.port);
    const url = postgres.url.replace(String(postgres.port), String(proxy.port));
    const open = () => createPostgresSink({ url, schema, closeTimeoutMs: 300 });
    return {
      sink: await open(),
      again: open,
      events: () => eventsIn(schema),
      drops: async () => {
        const rows = await postgres.query<{
          source: string;
          first: string;
          last: string;
          reason: DropReason;
          at: string;
        }>(`SELECT source, first, last, reason, received_at AS at FROM "${schema}".drops ORDER BY reason`);
        return rows.map(({ source, first, last, reason, at }) => ({
          source,
          first: Number(first),
          last: Number(last),
          reason,
          receivedAt: Number(at),
        }));
      },
      outage: { begin: postgres.kill, end: postgres.start },
      hang: proxy,
      poison: async ({ id }) => {
        await postgres.query(`ALTER TABLE "${schema}".events ADD CHECK (id <> '${id}')`);
      },
      dispose: proxy.close,
    };
  });

  describe('the PostgreSQL sink', () => {
    it('keeps queries working over text that PostgreSQL cannot hold, and the text itself beside it', async () => {
      const schema = newSchema();
      const sink = await createPostgresSink({ url: postgres.url, schema });

      await sink.write(
        [receivedEvent(1, { properties: { nul: 'a\0b', 'half\ud800': 1, safe: 'x' } }), receivedEvent(2)],
        [],
      );

      const rows = await postgres.query(
        `SELECT properties ->> 'nul' AS nul, properties ->> 'safe' AS safe, properties ? 'half\ufffd' AS half,
          original IS NULL AS is_whole FROM "${schema}".events ORDER BY seq`,
      );
      expect(rows).toEqual([
        { nul: 'a\ufffdb', safe: 'x', half: true, is_whole: false },
        { nul: null, safe: null, half: false, is_whole: true },
      ]);
      await sink.close();
    });

    it('makes its tables once when many collectors start at the same moment', async () => {
      const schema = newSchema();

      const sinks = await Promise.all(
        Array.from({ length: 8 }, () => createPostgresSink({ url: postgres.url, schema, maxConnections: 1 })),
      );

      await Promise.all(sinks.map((sink) => sink.write([receivedEvent(1)], [])));
      expect(await eventsIn(schema)).toHaveLength(1);
      await Promise.all(sinks.map((sink) => sink.close()));
    });

    it('needs no more than insert and select where the tables are there', async () => {
      const schema = newSchema();
      await (await createPostgresSink({ url: postgres.url, schema })).close();
      await postgres.query(`CREATE ROLE writer LOGIN; GRANT USAGE ON SCHEMA "${schema}" TO writer;
        GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA "${schema}" TO writer`);

      const sink = await createPostgresSink({ url: postgres.url.replace('postgres@', 'writer@'), schema });
      await sink.write([receivedEvent(1)], []);

      expect(await eventsIn(schema)).toHaveLength(1);
      await sink.close();
    });

    it('refuses tables of a later release, and leaves them as they are', async () => {
      const schema = newSchema();
      await (await createPostgresSink({ url: postgres.url, schema })).close();
      await postgres.query(`UPDATE "${schema}".meta SET version = 2`);

      await expect(createPostgresSink({ url: postgres.url, schema })).rejects.toMatchObject({
        code: 'store-unavailable',
        message: 'the database cannot be used: its tables were made by a later release (version 2, known here: 1)',
      });
    });

    it('loses no event when it is the table that is wrong, and not the events', async () => {
      const schema = newSchema();
      const sink = await createPostgresSink({ url: postgres.url, schema });
      await postgres.query(`ALTER TABLE "${schema}".events ADD COLUMN tenant text NOT NULL`).catch(() => {});
      const batch = Array.from({ length: 40 }, (_, i) => receivedEvent(i + 1));

      await expect(sink.write(batch, [])).rejects.toMatchObject({ code: '23502' });

      await postgres.query(`ALTER TABLE "${schema}".events DROP COLUMN tenant`);
      expect(await sink.write(batch, [])).toEqual({ duplicates: [] });
      await sink.close();
    });

    it('stores a batch that PostgreSQL undid because of another', async () => {
      const schema = newSchema();
      const sink = await createPostgresSink({ url: postgres.url, schema });
      const events = [1, 2, 3, 4].map((seq) => receivedEvent(seq, { properties: { filler: 'x' } }));
      // In opposite order, row by row, each waiting for the other: one of two is undone. Slowed down so that they surely meet.
      await postgres.query(`CREATE FUNCTION "${schema}".slow() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END';
        CREATE TRIGGER slow BEFORE INSERT ON "${schema}".events FOR EACH ROW EXECUTE FUNCTION "${schema}".slow();`);

      const results = await Promise.all([sink.write(events, []), sink.write([...events].reverse(), [])]);

      expect(results.map(({ duplicates }) => duplicates.length).reduce((a, b) => a + b)).toBe(4);
      expect(await eventsIn(schema)).toHaveLength(4);
      await sink.close();
    });

    it('says why it cannot connect, without the password', async () => {
      const open = (url: string) => createPostgresSink({ url }).catch((error: Error) => error.message);

      expect(await open('postgres://petrel:secret@127.0.0.1:1/events')).toMatch(
        /^the database cannot be used: .*ECONNREFUSED/,
      );
      expect(await open(postgres.url.replace(/postgres$/, 'nowhere'))).toMatch(/database "nowhere" does not exist/);
      expect(await open('mysql://petrel:secret@host/x')).not.toContain('secret');
    });
  });
});

describe('the PostgreSQL sink, before it connects', () => {
  it.each([
    [{ url: 'http://x' }, /`url` must be a URL that begins with postgres:\/\//],
    [{ url: 'postgres://x', schema: '' }, /`schema` must be a name of 1 to 63 bytes, not ""/],
    [{ url: 'postgres://x', schema: 'ü'.repeat(40) }, /`schema` must be a name of 1 to 63 bytes/],
    [{ url: 'postgres://x', maxConnections: 0 }, /`maxConnections` must be a whole number from 1 to 100, not 0/],
    [{ url: 'postgres://x', closeTimeoutMs: -1 }, /`closeTimeoutMs` must be a whole number from 0 to 600000, not -1/],
  ])('refuses the options %j', async (options, message) => {
    await expect(createPostgresSink(options)).rejects.toThrow(message);
  });
});
