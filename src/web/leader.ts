/** One drainer per queue, whichever tab, worker or version of a worker it is: a Web Lock. */

/** Runs `run` while nobody else of the origin runs under the same name. */
export type Lead = <T>(name: string, run: () => Promise<T>) => Promise<T>;

/**
 * A worker's: waits for the lock and holds it while `run` runs.
 * Where locks are missing or refused (Safari < 15.4, insecure origins, sandboxed frames) it just runs:
 * two drainers may then send the same batch, under the same id.
 */
export function createLeader(locks: LockManager | undefined): Lead {
  return async (name, run) => {
    let running: ReturnType<typeof run> | undefined;
    try {
      await locks?.request(name, () => {
        running = run();
        return running;
      });
    } catch {
      // Either `run` failed, which the caller sees below, or the lock was refused.
    }
    return running ?? run();
  };
}

export interface YieldingLeader {
  lead: Lead;
  /** Gives all locks up and takes none until `resume`. What is running goes on without. */
  yield(): void;
  resume(): void;
}

/**
 * A page's. A hidden page must not hold a lock: Firefox then refuses it its back/forward cache, and where the browser freezes
 * hidden tabs no other tab could send.
 */
export function createYieldingLeader(locks: LockManager | undefined): YieldingLeader {
  let turn = newTurn();
  let allowed: Promise<void> = Promise.resolve();
  let allow: (() => void) | undefined;

  return {
    async lead(name, run) {
      for (;;) {
        await allowed;
        const { signal, given } = turn;
        let running: ReturnType<typeof run> | undefined;
        try {
          await locks?.request(name, { signal }, () => {
            running = run();
            return Promise.race([running, given]);
          });
        } catch {
          // `run` failed, or the lock was refused, or it was given up before it came.
        }
        if (running) return running;
        if (!signal.aborted) return run();
      }
    },
    yield() {
      if (allow) return;
      allowed = new Promise((resolve) => {
        allow = resolve;
      });
      turn.give();
    },
    resume() {
      if (!allow) return;
      turn = newTurn();
      allow();
      allow = undefined;
    },
  };
}

/** The time between two yields. */
function newTurn() {
  const abort = new AbortController();
  const given = new Promise<void>((resolve) => abort.signal.addEventListener('abort', () => resolve()));
  return { signal: abort.signal, given, give: () => abort.abort() };
}
