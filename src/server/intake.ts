import type { EventBatch } from '../core/event-batcher.js';
import { EventBatcher } from '../core/event-batcher.js';
import { createMemoryStore } from '../core/memory-store.js';
import type { Outcome } from '../core/outcome.js';
import type { SourceRange } from '../core/wire.js';
import { createRecentEvents } from './dedupe.js';
import { isNumbered } from './ledger/record.js';
import type { CheckedOptions } from './options.js';
import { Refusal } from './refusal.js';
import type { ReceivedDrop, ReceivedEvent, ReceivedTail, SinkNotes, SinkResult } from './sinks/sink.js';
import { createWaitingRequests, FULL_RETRY_MS, type Receipt, type WaitingRequest } from './waiting-requests.js';

/** What waits for the sink, and how the sink does. */
export interface IntakeState {
  waitingEvents: number;
  waitingBytes: number;
  /** Writes failed in a row, and none succeeded since. */
  sinkFailures: number;
}

/**
 * Between requests and sink: events of many requests become batches, the fate of batches becomes answers.
 */
export interface Intake {
  /**
   * Queues the events; resolves when all of them are stored, were stored before, or will never be.
   * `positions[i]` is the place of event i in its request.
   *
   * @throws {@link Refusal} when that cannot be said (in time). Events may be stored nevertheless: whoever brings them again is told.
   */
  take(events: readonly ReceivedEvent[], sizes: readonly number[], positions: readonly number[]): Promise<Receipt>;
  /** Stores what a request says besides its events: drops, and how far sources have come. */
  takeNotes(drops: readonly ReceivedDrop[], tails: readonly ReceivedTail[]): Promise<void>;
  has(ranges: readonly SourceRange[]): Promise<SourceRange[]>;
  state(): IntakeState;
  /** Whether the sink is down and will be tried again by what waits for it. */
  isFailing(): boolean;
  /** Refuses what comes, waits for what is queued (at most `closeTimeoutMs`), closes the sink. */
  close(): Promise<void>;
}

/** An event on its way to the sink. There is one for each id, whoever waits for it. */
interface InFlight {
  event: ReceivedEvent;
  size: number;
  waiters: { request: WaitingRequest; position: number }[];
  wasStored: boolean;
}

/** Sources whose stored events are remembered, and for how long. Some 10 MB when full of ordinary ones. */
const RECENT = { maxSources: 50_000, maxAgeMs: 600_000 };

/**
 * How long a sink may fail until nobody is kept waiting for it any more. Not a number of failures: with several writes under way,
 * one hiccup is as many of them.
 */
const DOWN_AFTER_MS = 2_000;

/**
 * Requests that may wait for the same event: the leaving page's, the worker's, a retry's. More is somebody posting the same body
 * again and again while the sink is slow, and each would cost memory.
 */
const MAX_WAITERS = 16;

/** Tails that may wait for a write. What is beyond is not known to have ended: no more than that. */
const MAX_TAILS = 10_000;

/** How soon to come back. */
const FAILING_RETRY_MS = 10_000;
const CLOSING_RETRY_MS = 5_000;

export function createIntake(options: CheckedOptions): Intake {
  const { sink, clock, batch: bounds } = options;
  const beside = options.ledger.store;
  const inFlight = new Map<string, InFlight>();
  const waiting = createWaitingRequests(options);
  const recent = createRecentEvents({ ...RECENT, clock });
  let waitingBytes = 0;
  /** How far sources have come, as the ledger is to be told with the next write. */
  const tails: ReceivedTail[] = [];
  /** Events answered as known without asking the sink, that its ledger was not told of. */
  let repeated = 0;
  let sinkFailures = 0;
  let failingSince = 0;
  let closed: Promise<void> | undefined;
  let drained = () => {};

  const batcher = new EventBatcher<InFlight>({
    ...bounds,
    clock,
    store: createMemoryStore(),
    deliver,
    sizeOf: ({ size }) => size,
    onDelivered: (entries) => {
      for (const entry of entries) settle(entry, 'stored');
    },
    onDropped: (entries, reason, detail) => {
      for (const entry of entries) {
        if (reason === 'refused') settle(entry, { rejected: detail ?? reason });
        else settle(entry, failing());
      }
    },
  });
  const started = batcher.start();

  async function deliver({ events: entries }: EventBatch<InFlight>): Promise<Outcome> {
    try {
      const { duplicates, rejected = [] } = await write(
        entries.map(({ event }) => event),
        [],
      );
      for (const index of duplicates) entries[index]!.wasStored = true;
      if (rejected.length === 0) return { kind: 'delivered' };
      const refused = new Set(rejected.map(({ index }) => index));
      return {
        kind: 'partial',
        delivered: [...entries.keys()].filter((index) => !refused.has(index)),
        refused: [...rejected],
      };
    } catch (error) {
      return { kind: 'retry', cause: 'storage', detail: String(error) };
    }
  }

  async function write(events: ReceivedEvent[], drops: readonly ReceivedDrop[]): Promise<SinkResult> {
    const notes = { tails: tails.splice(0), repeated };
    repeated = 0;
    try {
      const result = await inTime(store(events, drops, notes));
      sinkFailures = 0;
      return result;
    } catch (error) {
      repeated += notes.repeated;
      tails.push(...notes.tails.slice(0, MAX_TAILS - tails.length));
      if (sinkFailures++ === 0) failingSince = clock.now();
      options.onError(error, 'sink');
      // Their events stay queued, and are stored when the sink is back.
      if (isDown()) waiting.refuseAll(() => failing(error));
      throw error;
    }
  }

  /** The sink first: what the ledger says is stored must be. Both know repeats, so either may fail and all be done again. */
  async function store(events: ReceivedEvent[], drops: readonly ReceivedDrop[], notes: SinkNotes): Promise<SinkResult> {
    const result = await sink.write(events, drops, notes);
    await beside?.record({ ...storedOf(events, result), drops, ...notes });
    return result;
  }

  const isDown = () => sinkFailures > 1 && clock.now() - failingSince >= DOWN_AFTER_MS;
  const failing = (cause?: unknown) =>
    new Refusal('sink-failing', 'the store cannot be used at the moment', { retryAfterMs: FAILING_RETRY_MS, cause });
  const shuttingDown = (cause?: unknown) =>
    new Refusal('closing', 'the collector is shutting down', { retryAfterMs: CLOSING_RETRY_MS, cause });

  /** A sink that hangs must not hang the collector: its write is idempotent, so it may be given up and made again. */
  function inTime<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(
        () => reject(new Error(`the sink did not answer in ${options.sinkTimeoutMs} ms`)),
        options.sinkTimeoutMs,
      );
      work.then(resolve, reject).finally(() => clock.clearTimeout(timer));
    });
  }

  function settle(entry: InFlight, fate: 'stored' | { rejected: string } | Refusal): void {
    const { id, source, seq } = entry.event;
    inFlight.delete(id);
    waitingBytes -= entry.size;
    if (fate === 'stored' && isNumbered(entry.event)) recent.add(source, seq);
    let isNew = !entry.wasStored;
    for (const { request, position } of entry.waiters) {
      if (request.answered) continue;
      if (fate instanceof Refusal) {
        request.reject(fate);
        continue;
      }
      const { receipt } = request;
      if (fate !== 'stored') receipt.rejected.push({ id, index: position, reason: fate.rejected });
      else if (isNew) receipt.accepted++;
      else receipt.duplicates++;
      // One request stored it; for the others it had been stored before.
      isNew = false;
      if (--request.open === 0) request.resolve(receipt);
    }
    if (inFlight.size === 0) drained();
  }

  /** Whether it is known to be stored. Of events without a number nothing is remembered: that is the sink's business. */
  const isRecent = (event: ReceivedEvent) => isNumbered(event) && recent.has(event.source, event.seq);

  /** What of the events is new. @throws {@link Refusal} when there is no room: a request is taken as a whole or not at all. */
  function findFresh(events: readonly ReceivedEvent[], sizes: readonly number[]): Map<string, InFlight> {
    const fresh = new Map<string, InFlight>();
    let bytes = 0;
    let crowded = false;
    events.forEach((event, i) => {
      const entry = inFlight.get(event.id);
      if (entry) {
        if (entry.waiters.length >= MAX_WAITERS) {
          entry.waiters = entry.waiters.filter(({ request }) => !request.answered);
          crowded ||= entry.waiters.length >= MAX_WAITERS;
        }
      } else if (!isRecent(event) && !fresh.has(event.id)) {
        fresh.set(event.id, { event, size: sizes[i]!, waiters: [], wasStored: false });
        bytes += sizes[i]!;
      }
    });
    if (crowded || inFlight.size + fresh.size > bounds.maxEvents || waitingBytes + bytes > bounds.maxBytes) {
      throw new Refusal('queue-full', 'too much is waiting to be stored', { retryAfterMs: FULL_RETRY_MS });
    }
    return fresh;
  }

  async function close(): Promise<void> {
    if (inFlight.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(resolve, options.closeTimeoutMs);
        drained = () => {
          clock.clearTimeout(timer);
          resolve();
        };
        // Fails when the batcher is closed before it is done; then there is nothing left to say.
        batcher.flush().catch(() => {});
      });
      waiting.refuseAll(() => shuttingDown());
    }
    // Not awaited: a write that hangs would keep it from ending.
    void batcher.close();
    await sink.close();
    await beside?.close();
  }

  return {
    async take(events, sizes, positions) {
      if (closed) throw shuttingDown();
      const fresh = findFresh(events, sizes);
      const { request, receipt } = waiting.open(events.length);
      for (const [id, entry] of fresh) {
        inFlight.set(id, entry);
        waitingBytes += entry.size;
      }
      events.forEach((event, i) => {
        const entry = inFlight.get(event.id);
        if (entry) entry.waiters.push({ request, position: positions[i]! });
        else {
          request.receipt.duplicates++;
          request.open--;
          repeated++;
        }
      });
      if (request.open === 0) request.resolve(request.receipt);
      if (fresh.size > 0) {
        const entries = [...fresh.values()];
        try {
          await started;
          await batcher.addMany(entries);
        } catch (error) {
          for (const entry of entries) settle(entry, shuttingDown(error));
        }
      }
      // Nobody is kept waiting for a sink that is down.
      if (isDown() && !request.answered) request.reject(failing());
      return receipt;
    },

    async takeNotes(drops, told) {
      if (drops.length + told.length === 0) return;
      if (closed) throw shuttingDown();
      tails.push(...told.slice(0, MAX_TAILS - tails.length));
      // A tail is worth no write of its own while one is to come.
      if (drops.length === 0 && inFlight.size > 0) return;
      // While events wait, their next attempt is the probe of a sink that is down.
      if (isDown() && inFlight.size > 0) throw failing();
      try {
        await write([], drops);
      } catch (error) {
        throw failing(error);
      }
    },

    async has(ranges) {
      if (closed) throw shuttingDown();
      try {
        return await inTime(sink.has(ranges));
      } catch (error) {
        options.onError(error, 'sink');
        throw failing(error);
      }
    },

    isFailing: () => isDown() && inFlight.size > 0,

    state: () => ({ waitingEvents: inFlight.size, waitingBytes, sinkFailures }),

    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** The events that are stored now, without those that never will be. */
function storedOf(events: readonly ReceivedEvent[], { duplicates, rejected = [] }: SinkResult) {
  if (rejected.length === 0) return { events, duplicates };
  const refused = new Set(rejected.map(({ index }) => index));
  const repeats = new Set(duplicates);
  const kept = [...events.keys()].filter((index) => !refused.has(index));
  return {
    events: kept.map((index) => events[index]!),
    duplicates: [...kept.keys()].filter((at) => repeats.has(kept[at]!)),
  };
}
