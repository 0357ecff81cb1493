import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { Analytics } from '@segment/analytics-node';
import Libsql from 'libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeEngine } from '../../support/engines/describe-engine.js';
import { findNats, type Nats, startNats } from '../../support/engines/nats.js';
import { load } from '../traffic.js';
import { usePetrel } from './collect-process.js';

// The way of somebody who grows: a file first, then a stream by one flag, other people's clients beside Petrel's, and the ledger.

const { inFolder, start } = usePetrel();

/** Events of each of the other clients. */
const OTHERS = 40;

async function sendBySegment(url: string): Promise<void> {
  const analytics = new Analytics({ writeKey: 'shop', host: url, flushAt: 20, flushInterval: 50 });
  for (let i = 0; i < OTHERS; i++) analytics.track({ userId: 'u1', event: 'By Segment', properties: { i } });
  await analytics.closeAndFlush({ timeout: 30_000 });
}

async function sendByOpenTelemetry(url: string): Promise<void> {
  const exporter = new OTLPLogExporter({ url: `${url}/v1/logs`, headers: { authorization: 'Bearer shop' } });
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger('shop', '1.0');
  for (let i = 0; i < OTHERS; i++) logger.emit({ eventName: 'By OpenTelemetry', attributes: { i } });
  await provider.forceFlush();
  await provider.shutdown();
}

function storedByName(path: string): { name: string; ids: number; rows: number }[] {
  const db = new Libsql(path);
  const rows = db
    .prepare('SELECT name, count(DISTINCT id) AS ids, count(*) AS rows FROM events GROUP BY name ORDER BY name')
    .all();
  db.close();
  return rows as { name: string; ids: number; rows: number }[];
}

/** What `petrel ledger` says: accepted and delivered by the trackers, and its verdict. */
async function ledger(...databases: string[]) {
  const asked = start(['ledger', '--json', ...databases.flatMap((path) => ['--db', path])]);
  expect(await asked.ended).toEqual({ code: 0, signal: null });
  const { total, verdict } = JSON.parse(asked.output.stdout);
  return { accepted: total.accepted, delivered: total.delivered, missing: total.missing, verdict };
}

async function stop(process: ReturnType<typeof start>): Promise<void> {
  process.child.kill('SIGTERM');
  expect(await process.ended).toEqual({ code: 0, signal: null });
}

describeEngine('NATS', findNats(), (program) => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats(program);
  }, 90_000);
  afterAll(() => nats?.dispose());

  it('from a file to a stream by one flag, with clients of others, and nothing is missing', {
    timeout: 180_000,
  }, async () => {
    const collect = ['collect', '--port', '0', '--key', 'shop'];
    const small = start([...collect, '--db', 'events.db']);
    const smallUrl = await small.url;
    const first = load(() => [smallUrl], { batches: 4, key: 'shop' });
    await first.done;
    await stop(small);

    const stream = `${nats.url}/GROWN`;
    const large = start([...collect, '--sink', stream, '--ledger-db', 'ledger.db']);
    const consumer = start(['consume', '--from', stream, '--sink', 'events.db']);
    const url = await large.url;
    const second = load(() => [url], { batches: 4, key: 'shop' });
    await Promise.all([second.done, sendBySegment(url), sendByOpenTelemetry(url)]);
    const expected = first.posted.length + second.posted.length + 2 * OTHERS;
    await expect
      .poll(() => storedByName(inFolder('events.db')).reduce((sum, { rows }) => sum + rows, 0), { timeout: 60_000 })
      .toBe(expected);
    await Promise.all([stop(large), stop(consumer)]);

    const byName = storedByName(inFolder('events.db'));
    expect(byName.every(({ ids, rows }) => ids === rows)).toBe(true);
    expect(byName.filter(({ name }) => name.startsWith('By'))).toEqual([
      { name: 'By OpenTelemetry', ids: OTHERS, rows: OTHERS },
      { name: 'By Segment', ids: OTHERS, rows: OTHERS },
    ]);
    const posted = first.posted.length + second.posted.length;
    expect(await ledger('events.db', 'ledger.db')).toEqual({
      accepted: posted,
      delivered: posted,
      missing: 0,
      verdict: 'nothing-missing',
    });
  });
});
