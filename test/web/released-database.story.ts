/**
 * What a release leaves in the database when its browser is closed in the middle of an outage: something in every store and lane.
 * And what the current code makes of it.
 */
import { expect, it, onTestFinished } from 'vitest';
import type { WireAnswer } from '../../src/core/wire.js';
import { expandBody } from '../../src/core/wire-expand.js';
import { type DestinationConfig, destinationId, type HostMessage } from '../../src/protocol.js';
import { isQueuedEvent } from '../../src/web/check-event.js';
import { createHostEngine } from '../../src/web/engine.js';
import { createIdbDatabase } from '../../src/web/idb-database.js';
import { createIdbStore } from '../../src/web/idb-store.js';
import { createIdbMetaStore } from '../../src/web/meta-store.js';
import { createPetrelEncoder } from '../../src/web/petrel-encoder.js';
import { type DatabaseDump, dumpDatabase, loadDatabase } from '../support/database-dump.js';
import { createFakeClock } from '../support/fake-clock.js';

const SOURCE = 'source-of-page-1';
const CONFIG: DestinationConfig = {
  endpoint: 'https://collector.example/in',
  format: 'petrel',
  options: { maxBatchSize: 3, maxBatchAgeMs: 60_000 },
  version: 2,
};
const TO = destinationId(CONFIG);

interface Request {
  batchId: string | undefined;
  attempt: number | undefined;
  seqs: number[];
  anonymousIds: (string | undefined)[];
  drops: unknown;
}

/** The engine on a database, with a collector that answers as told. */
function open(name: string, start?: number) {
  const clock = createFakeClock({ ...(start !== undefined && { start }), seed: start ?? 1 });
  const database = createIdbDatabase({ name, clock });
  const requests: Request[] = [];
  let respond = (_carried: WireAnswer['has']): Response => new Response(null, { status: 204 });
  const engine = createHostEngine({
    kind: 'worker',
    clock,
    openStore: (queue) => createIdbStore({ database, queue, isEvent: isQueuedEvent }),
    meta: createIdbMetaStore(database),
    fetch: (async (_url: string, { body }: RequestInit) => {
      const { head, events } = expandBody(JSON.parse(body as string));
      requests.push({
        batchId: head.batchId,
        attempt: head.attempt,
        seqs: events.map(({ seq }) => seq),
        anonymousIds: events.map(({ anonymousId }) => anonymousId),
        drops: head.drops,
      });
      return respond(head.carried);
    }) as typeof fetch,
    lead: (_name, run) => run(),
    formats: { petrel: ({ key }, clock) => createPetrelEncoder({ clock, key }) },
    awakeMs: 0,
  });
  const ask = (message: object): Promise<HostMessage> =>
    new Promise((reply) => void engine.receive({ petrel: 1, to: TO, ...message }, reply));
  return {
    clock,
    requests,
    respond: (how: typeof respond) => {
      respond = how;
    },
    events: (seqs: number[], priority: 'low' | 'critical' | null = null, more: object = {}) =>
      ask({
        type: 'events',
        origins: [{ source: SOURCE, userId: 'user-1', context: { url: 'https://site.example/' } }],
        events: seqs.map((seq) => [0, seq, clock.now(), `event ${seq}`, { n: seq }, null, priority]),
        config: CONFIG,
        visible: false,
        ...more,
      }),
    flush: () => ask({ type: 'flush' }),
    async stats() {
      const answer = await ask({ type: 'stats' });
      if (answer.type !== 'stats') throw new Error(JSON.stringify(answer));
      return answer.stats;
    },
    async close() {
      await engine.close();
      database.close();
    },
  };
}

/** Plays the day before: delivered, refused, then the collector is down and the page is closed. */
export async function leaveDatabase(name: string): Promise<DatabaseDump> {
  const browser = open(name);
  browser.respond(() =>
    Response.json({ accepted: 1, duplicates: 0, rejected: [{ id: `${SOURCE}.2`, reason: 'bad-name' }], serverTime: 0 }),
  );
  await browser.events([1, 2]);
  await browser.flush();
  browser.respond(() => new Response(null, { status: 503 }));
  await browser.events([3, 4, 5]);
  await browser.flush();
  await browser.events([6, 7]);
  await browser.events([8], 'low');
  await browser.events([9], 'critical');
  await browser.events([10, 11], null, { carried: true });
  await browser.events([], null, { drops: [[SOURCE, 12, 13, 'plugin']] });
  await browser.close();
  return dumpDatabase(name);
}

/** Checks that the current code takes up such a database: nothing lost, nothing twice, under the same names. */
export function takesUp(release: string, dump: DatabaseDump): void {
  it(`takes up the queue that ${release} left behind`, async () => {
    const name = `left-by-${release}`;
    await loadDatabase(name, dump);
    const queue = dump.stores.state!.entries[0]![1] as { batches: { id: string }[] };
    const identity = new Map(dump.stores.meta!.entries as [string, unknown][]).get('identity') as {
      anonymousId: string;
    };
    const tomorrow = open(name, 1_700_000_000_000 + 86_400_000);
    onTestFinished(async () => {
      await tomorrow.close();
      indexedDB.deleteDatabase(name);
    });
    // Of the carried copies the collector has the first.
    tomorrow.respond(() =>
      Response.json({ accepted: 1, duplicates: 0, rejected: [], has: [[SOURCE, 10, 10]], serverTime: 0 }),
    );

    // The page hands everything over again, because it never saw the answer. It brings no config: that is in the database.
    await tomorrow.events([3, 4, 5, 6, 7, 8, 9, 10, 11, 14], null, { config: undefined });
    await tomorrow.flush();
    await tomorrow.flush();

    const { batchId, attempt, seqs } = tomorrow.requests[0]!;
    expect({ batchId, seqs }, 'the batch in retry').toEqual({ batchId: queue.batches[0]!.id, seqs: [3, 4, 5] });
    expect(attempt).toBeGreaterThan(1);
    const sent = tomorrow.requests.flatMap((request) => request.seqs);
    expect(sent.toSorted((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 8, 9, 11, 14]);
    const drops = tomorrow.requests.flatMap((request) => request.drops ?? []);
    expect(drops).toContainEqual({ source: SOURCE, first: 12, last: 13, reason: 'plugin' });
    expect(tomorrow.requests.flatMap((request) => request.anonymousIds)).toEqual(sent.map(() => identity.anonymousId));
    expect(await tomorrow.stats()).toMatchObject({
      accepted: 14,
      delivered: 11,
      dropped: 3,
      droppedByReason: { refused: 1, plugin: 2 },
      waiting: 0,
      inFlight: 0,
      quarantined: 1,
      failures: 0,
    });
  });

  it(`leaves a queue alone that a newer release than ${release} wrote, and says so`, async () => {
    const name = `newer-than-${release}`;
    const newer = structuredClone(dump);
    for (const [, state] of newer.stores.state!.entries) Object.assign(state as object, { version: 99 });
    await loadDatabase(name, newer);
    const older = open(name);
    onTestFinished(async () => {
      await older.close();
      indexedDB.deleteDatabase(name);
    });

    const answer = await older.events([14]);

    expect(answer).toMatchObject({ type: 'error', code: 'store-unavailable' });
    expect(older.requests).toEqual([]);
    await older.close();
    expect((await dumpDatabase(name)).stores).toMatchObject({
      state: newer.stores.state!,
      records: newer.stores.records!,
      sources: newer.stores.sources!,
    });
  });
}
