import { PetrelError } from './errors.js';
import { cloneState, type QueueState } from './queue-state.js';
import type { Lane, SourceRecord, Store, StoredRecord, StoreTransaction } from './store.js';

/**
 * A store in memory: the reference for the contract, the server's store, and the page's last resort.
 * Nothing outlives the object. Events are kept by reference.
 */
export function createMemoryStore<E>(): Store<E> {
  const lanes = new Map<Lane, StoredRecord<E>[]>();
  const sources = new Map<string, SourceRecord>();
  let state: QueueState | undefined;
  let closed = false;
  let tail: Promise<unknown> = Promise.resolve();

  const lane = (name: Lane): StoredRecord<E>[] => {
    const records = lanes.get(name) ?? [];
    lanes.set(name, records);
    return records;
  };

  async function run<T>(body: (tx: StoreTransaction<E>) => Promise<T>): Promise<T> {
    if (closed) throw new PetrelError('store-unavailable', 'the store is closed');
    // Each write leaves its own reverse here, so that a body that throws leaves no trace.
    const undo: (() => void)[] = [];
    const tx: StoreTransaction<E> = {
      readState: async () => state && cloneState(state),
      writeState: async (next) => {
        const before = state;
        undo.push(() => {
          state = before;
        });
        state = next;
      },
      readRecords: async (name, from, to, limit) => {
        const records = lane(name);
        const start = lowerBound(records, from);
        let end = start;
        while (end < records.length && end - start < limit && records[end]!.offset < to) end++;
        return records.slice(start, end);
      },
      writeRecord: async (record) => {
        const records = lane(record.lane);
        const at = lowerBound(records, record.offset);
        const replaced = records[at]?.offset === record.offset ? [records[at]!] : [];
        undo.push(() => records.splice(at, 1, ...replaced));
        records.splice(at, replaced.length, record);
      },
      removeRecords: async (name, from, to) => {
        const records = lane(name);
        const start = lowerBound(records, from);
        const removed = records.splice(start, lowerBound(records, to) - start);
        undo.push(() => records.splice(start, 0, ...removed));
      },
      readSource: async (source) => {
        const found = sources.get(source);
        return found && { stored: found.stored.map(([first, last]) => [first, last]), at: found.at };
      },
      writeSource: async (source, record) => {
        const before = sources.get(source);
        undo.push(() => (before ? sources.set(source, before) : sources.delete(source)));
        sources.set(source, record);
      },
      removeSources: async (before) => {
        for (const [source, record] of sources) {
          if (record.at >= before) continue;
          undo.push(() => sources.set(source, record));
          sources.delete(source);
        }
      },
    };
    try {
      return await body(tx);
    } catch (error) {
      for (const reverse of undo.reverse()) reverse();
      throw error;
    }
  }

  return {
    transact<T>(body: (tx: StoreTransaction<E>) => Promise<T>): Promise<T> {
      const result = tail.then(() => run(body));
      tail = result.catch(() => {});
      return result;
    },
    close() {
      closed = true;
    },
  };
}

/** Position of the first record with an offset of at least `offset`. */
function lowerBound<E>(records: StoredRecord<E>[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
