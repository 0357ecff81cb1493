/** A visit ends after half an hour without an event, and after a day. The same as where the session id is made (`src/web/identity.ts`). */
const IDLE_MS = 1_800_000;
const LONGEST_MS = 86_400_000;

/** How stale the time of the last event may be in the storage, in ms. */
const SAVE_EVERY_MS = 60_000;

/** What is kept between two pages of a visit. */
interface Kept {
  startedAt: number;
  lastAt: number;
  /** What was told in this visit. */
  told: string[];
}

/**
 * What has been told in this visit, a visit being what a session is to the queue: the page does not know the session's id.
 *
 * @param storage where it outlives the page; undefined when it is not to, or cannot
 */
export function createVisit(storage: Pick<Storage, 'getItem' | 'setItem'> | undefined, key: string, now: number) {
  const read = (): Kept | undefined => {
    try {
      const kept: unknown = JSON.parse(storage?.getItem(key) ?? 'null');
      return isKept(kept) ? kept : undefined;
    } catch {
      // Storage may be forbidden, and what is in it may be of somebody else.
    }
  };
  const goesOn = (kept: Kept, at: number) =>
    Math.abs(at - kept.lastAt) < IDLE_MS && Math.abs(at - kept.startedAt) < LONGEST_MS;

  /** Counts the visits of this page, from 1. */
  let number = 1;
  const kept = read();
  let { startedAt, lastAt } = kept && goesOn(kept, now) ? kept : { startedAt: now, lastAt: now };
  let told = new Set(kept && goesOn(kept, now) ? kept.told : []);
  let savedAt = Number.NEGATIVE_INFINITY;

  const forget = (at: number) => {
    number++;
    startedAt = lastAt = at;
    told = new Set();
    savedAt = Number.NEGATIVE_INFINITY;
  };

  return {
    /** The visit at this time. */
    current(at: number): number {
      if (!goesOn({ startedAt, lastAt, told: [] }, at)) forget(at);
      return number;
    },
    /** There was an event: the visit goes on. */
    touch(at: number): void {
      this.current(at);
      lastAt = at;
    },
    /** Whether it was not told yet, by this page or another. From now on it is. */
    isNews(what: string): boolean {
      const { size } = told;
      const isNew = told.add(what).size > size;
      if (isNew) savedAt = Number.NEGATIVE_INFINITY;
      return isNew;
    },
    /** All that was told is to be told again. */
    forget,
    /** Call it only when the visitor allows what is stored. */
    save(at: number): void {
      if (!storage || Math.abs(at - savedAt) < SAVE_EVERY_MS) return;
      savedAt = at;
      try {
        const theirs = read();
        // Another tab may have told others meanwhile.
        if (theirs && goesOn(theirs, at)) for (const what of theirs.told) told.add(what);
        storage.setItem(key, JSON.stringify({ startedAt, lastAt, told: [...told] } satisfies Kept));
      } catch {
        // Full or forbidden: then the next page tells it again.
      }
    },
  };
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const { startedAt, lastAt, told } = value as Kept;
  return (
    [startedAt, lastAt].every(Number.isFinite) && Array.isArray(told) && told.every((what) => typeof what === 'string')
  );
}
