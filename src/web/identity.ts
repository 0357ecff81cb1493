import type { Clock } from '../core/clock.js';
import type { Origin } from '../core/event.js';
import { isObject } from './guards.js';
import type { MetaStore } from './meta-store.js';

/** A visit ends after half an hour without an event, and after a day: the convention of the field since Google Analytics. */
const IDLE_MS = 1_800_000;
const LONGEST_MS = 86_400_000;

/** How stale the time of the last event may be in the database. A write per message would double the host's work. */
const SAVE_EVERY_MS = 60_000;

const KEY = 'identity';

/** Random ids of the browser and of the visit. Kept where the queue is, so that all tabs agree, and gone when it is gone. */
export interface Identity {
  /** What events that come in now are to carry. Nothing when it cannot be known: they are worth more than their ids. */
  ids(): Promise<Pick<Origin, 'anonymousId' | 'sessionId'>>;
  /** Consent is withdrawn: whoever comes next is somebody else. */
  forget(): Promise<void>;
}

interface Visit {
  anonymousId: string;
  sessionId: string;
  startedAt: number;
  lastAt: number;
}

export function createIdentity({ meta, clock }: { meta: MetaStore; clock: Clock }): Identity {
  let visit: Visit | undefined;
  let savedAt = 0;

  const goesOn = ({ startedAt, lastAt }: Visit, now: number) =>
    Math.abs(now - lastAt) < IDLE_MS && Math.abs(now - startedAt) < LONGEST_MS;

  return {
    async ids() {
      const now = clock.now();
      if (!visit || !goesOn(visit, now) || Math.abs(now - savedAt) >= SAVE_EVERY_MS) {
        const ours = visit;
        try {
          visit = await meta.update(KEY, (kept): Visit => {
            const known = isVisit(kept) ? kept : undefined;
            // Another tab or worker may have saved it last; what we saw since may be later.
            const lastAt = Math.max(known?.lastAt ?? 0, ours?.sessionId === known?.sessionId ? (ours?.lastAt ?? 0) : 0);
            const same = known && goesOn({ ...known, lastAt }, now);
            return {
              anonymousId: known?.anonymousId ?? clock.randomId(),
              sessionId: same ? known.sessionId : clock.randomId(),
              startedAt: same ? known.startedAt : now,
              lastAt: now,
            };
          });
          savedAt = now;
        } catch {
          return {};
        }
      }
      visit.lastAt = now;
      const { anonymousId, sessionId } = visit;
      return { anonymousId, sessionId };
    },
    async forget() {
      visit = undefined;
      await meta.update(KEY, () => undefined);
    },
  };
}

function isVisit(value: unknown): value is Visit {
  if (!isObject(value)) return false;
  const { anonymousId, sessionId, startedAt, lastAt } = value;
  return (
    [anonymousId, sessionId].every((id) => typeof id === 'string' && id.length > 0 && id.length < 100) &&
    [startedAt, lastAt].every(Number.isFinite)
  );
}
