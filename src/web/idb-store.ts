import { PetrelError } from '../core/errors.js';
import { emptyState, LANES, type QueueState, STATE_VERSION } from '../core/queue-state.js';
import type { Lane, SourceRecord, Store, StoredRecord, StoreTransaction } from '../core/store.js';
import type { Ask, IdbDatabase } from './idb-database.js';

export interface IdbStoreOptions {
  database: IdbDatabase;
  /** Which queue of the database this is. Queues do not see each other. */
  queue: string;
  /** Whether what was read back is an event, for records that other code may have damaged. Default: everything is. */
  isEvent?: (value: unknown) => boolean;
  /**
   * Told how many records had to be removed because they were not what this store writes (another script of the origin, a bug).
   * Their offsets are then a gap, which the engine counts as lost by `storage`.
   */
  onCorrupt?: (records: number) => void;
}

/** What lies in the database under [queue, lane, offset]. */
interface RecordValue {
  events: unknown[];
  sizes: number[];
  at: number;
}

// The order is part of the stored keys: append only.
const LANE_KEYS: Record<Lane, number> = { low: 0, normal: 1, critical: 2, carried: 3, quarantine: 4 };

/**
 * The durable log of one queue on IndexedDB. Whole records by `getAll`, removal by key range, no cursor: WebKit needs 731 ms
 * for 4 200 rows by cursor and 12 by `getAll`.
 */
export function createIdbStore<E>({ database, queue, isEvent = () => true, onCorrupt }: IdbStoreOptions): Store<E> {
  const isRecord = (value: unknown): value is RecordValue => {
    const { events, sizes, at } = (value ?? {}) as Partial<RecordValue>;
    return (
      typeof at === 'number' &&
      Array.isArray(events) &&
      Array.isArray(sizes) &&
      events.length > 0 &&
      events.length === sizes.length &&
      sizes.every((size) => size >= 0) &&
      events.every(isEvent)
    );
  };

  function bind(tx: IDBTransaction, ask: Ask): StoreTransaction<E> {
    const records = tx.objectStore('records');
    const state = tx.objectStore('state');
    const sources = tx.objectStore('sources');

    /** Undefined for an empty range, which IndexedDB refuses to make. */
    const range = (lane: Lane, from: number, to: number): IDBKeyRange | undefined =>
      from < to
        ? IDBKeyRange.bound([queue, LANE_KEYS[lane], from], [queue, LANE_KEYS[lane], to], false, true)
        : undefined;

    async function readRecords(lane: Lane, from: number, to: number, limit: number): Promise<StoredRecord<E>[]> {
      const keys = range(lane, from, to);
      if (!keys || !(limit > 0)) return [];
      const count = limit === Infinity ? undefined : limit;
      const [values, places] = await Promise.all([
        ask(records.getAll(keys, count)),
        ask(records.getAllKeys(keys, count)),
      ]);
      const found: StoredRecord<E>[] = [];
      for (const [i, value] of values.entries()) {
        const place = places[i] as [string, number, number];
        if (isRecord(value)) found.push({ ...value, lane, offset: place[2] } as StoredRecord<E>);
        // Removed at once, or it would stand at the head of the queue for ever.
        else records.delete(place);
      }
      if (found.length === values.length) return found;
      onCorrupt?.(values.length - found.length);
      // The damaged ones may have used up the limit: an empty answer would say that nothing is there.
      return found.length > 0 ? found : readRecords(lane, from, to, limit);
    }

    /** A state made from the records alone: nothing that is stored is given up because the summary of it is damaged. */
    async function rebuildState(): Promise<QueueState> {
      const rebuilt = emptyState();
      const { waiting, counters } = rebuilt;
      for (const lane of LANES) {
        const held = await readRecords(lane, 0, Infinity, Infinity);
        for (const { offset, events, sizes } of held) {
          waiting[lane].records++;
          waiting[lane].events += events.length;
          waiting[lane].bytes += sizes.reduce((sum, size) => sum + size, 0);
          rebuilt.nextOffset = Math.max(rebuilt.nextOffset, offset + events.length);
        }
        waiting[lane].oldestAt = held[0]?.at ?? 0;
        rebuilt.head[lane] = held[0]?.offset ?? 0;
        counters.accepted += waiting[lane].events;
      }
      if (waiting.quarantine.events) counters.dropped.refused = waiting.quarantine.events;
      return rebuilt;
    }

    return {
      async readState() {
        const value: unknown = await ask(state.get(queue));
        return value === undefined || isState(value) ? value : rebuildState();
      },
      // Writes are not waited for: see `IdbDatabase.transact`.
      async writeState(value) {
        state.put(value, queue);
      },
      readRecords,
      async writeRecord({ lane, offset, events, sizes, at }) {
        const value: RecordValue = { events, sizes, at };
        records.put(value, [queue, LANE_KEYS[lane], offset]);
      },
      async removeRecords(lane, from, to) {
        const keys = range(lane, from, to);
        if (keys) records.delete(keys);
      },
      async readSource(source) {
        const value: unknown = await ask(sources.get([queue, source]));
        return isSource(value) ? { stored: value.stored, at: value.at } : undefined;
      },
      async writeSource(source, { stored, at }) {
        sources.put({ queue, stored, at }, [queue, source]);
      },
      async removeSources(before) {
        const age = sources.index('age');
        for (const key of await ask(
          age.getAllKeys(IDBKeyRange.bound([queue, -Infinity], [queue, before], false, true)),
        )) {
          sources.delete(key);
        }
      },
    };
  }

  let closed = false;
  return {
    async transact(body) {
      if (closed) throw new PetrelError('store-unavailable', 'the store is closed');
      return database.transact((tx, ask) => body(bind(tx, ask)));
    },
    close() {
      closed = true;
    },
  };
}

/** Whether the engine can work with it. A newer version passes: the engine refuses it in words, and leaves it alone. */
function isState(value: unknown): value is QueueState {
  const state = (value ?? {}) as Partial<QueueState>;
  return (
    isCount(state.version) &&
    (state.version > STATE_VERSION ||
      (isCount(state.nextOffset) &&
        LANES.every((lane) => isCount(state.waiting?.[lane]?.events) && isCount(state.head?.[lane])) &&
        Array.isArray(state.batches) &&
        Array.isArray(state.tombstones) &&
        Array.isArray(state.tails ?? []) &&
        isCount(state.counters?.accepted) &&
        state.counters.dropped instanceof Object))
  );
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function isSource(value: unknown): value is SourceRecord {
  const { stored } = (value ?? {}) as Partial<SourceRecord>;
  return Array.isArray(stored) && stored.every((range) => range?.[0] <= range?.[1]);
}
