import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClickHouse, findClickHouse, startClickHouse } from '../../support/engines/clickhouse.js';
import { describeEngine } from '../../support/engines/describe-engine.js';
import { findNats, type Nats, startNats } from '../../support/engines/nats.js';
import { findPostgres, type Postgres, startPostgres } from '../../support/engines/postgres.js';
import { load, storedIds } from '../traffic.js';
import { type CollectProcess, usePetrel } from './collect-process.js';

// `petrel collect` and `petrel consume` over real servers: one flag from the embedded database to a distributed engine.

const { inFolder, start } = usePetrel();

const petrel = (...args: string[]): CollectProcess => start(args);

const collect = (sink: string) => petrel('collect', '--port', '0', '--sink', sink);

async function until<T>(what: () => T | Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await what();
    if (isRight(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describeEngine('NATS', findNats(), (program) => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats(program);
  }, 90_000);
  afterAll(() => nats?.dispose());

  it('events go through a stream into a store, once each, whatever is killed', { timeout: 180_000 }, async () => {
    const stream = `${nats.url}/SHOP`;
    const store = inFolder('events.db');
    const consume = () => petrel('consume', '--from', stream, '--sink', 'events.db');
    const [first, second] = [collect(stream), collect(stream)];
    const urls = [await first.url, await second.url];
    let consumer = consume();
    await consumer.logged('consuming');
    const traffic = load(() => urls, { batches: 20 });

    await traffic.reaches(1_000);
    first.child.kill('SIGKILL');
    consumer.child.kill('SIGKILL');
    await consumer.ended;
    consumer = consume();
    await traffic.done;
    const stored = await until(
      () => storedIds(store),
      (ids) => ids.length >= traffic.posted.length,
    );

    expect(stored).toHaveLength(8 * 20 * 25);
    expect(new Set(stored)).toEqual(new Set(traffic.posted));
    consumer.child.kill('SIGTERM');
    second.child.kill('SIGTERM');
    expect(await consumer.ended).toEqual({ code: 0, signal: null });
    expect(await second.ended).toEqual({ code: 0, signal: null });
    expect(consumer.log().at(-1)).toMatchObject({ message: 'stopped', stored: expect.any(Number) });
  });
});

describeEngine('PostgreSQL', findPostgres(), (programs) => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres(programs);
  }, 90_000);
  afterAll(() => postgres?.dispose());

  it('three collectors share a database, and lose and double nothing when one is killed', {
    timeout: 180_000,
  }, async () => {
    const all = [collect(postgres.url), collect(postgres.url), collect(postgres.url)];
    const urls = await Promise.all(all.map(({ url }) => url));
    const traffic = load(() => urls, { batches: 20 });

    await traffic.reaches(1_000);
    all[1]!.child.kill('SIGKILL');
    await traffic.done;

    const rows = await postgres.query<{ id: string }>('SELECT id FROM petrel.events');
    expect(rows).toHaveLength(8 * 20 * 25);
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(traffic.posted));
    expect((await fetch(`${urls[0]}/readyz`)).status).toBe(200);
  });
});

describeEngine('ClickHouse', findClickHouse(), (program) => {
  let clickHouse: ClickHouse;
  beforeAll(async () => {
    clickHouse = await startClickHouse(program);
  }, 90_000);
  afterAll(() => clickHouse?.dispose());

  it('a collector at the edge passes on to one that stores, and an acknowledged event is there', {
    timeout: 180_000,
  }, async () => {
    const storing = collect(`${clickHouse.url.replace('http', 'clickhouse')}/shop`);
    const edge = collect(`${await storing.url}`);
    const url = await edge.url;
    const traffic = load(() => [url], { batches: 5 });

    await traffic.done;

    const rows = await clickHouse.query<{ id: string }>('SELECT id FROM shop.events FORMAT JSONEachRow');
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(traffic.posted));
    expect(traffic.posted).toHaveLength(8 * 5 * 25);
  });
});
