import type { Clock } from '../../../core/clock.js';

/** Turns writes that come while another is under way into one. */
export interface GroupCommit<J> {
  /** Resolves when a run that had the job is done; rejects with its error. */
  add(job: J): Promise<void>;
  /** Resolves when nothing is under way. What waits for company is run at once, from now on. */
  idle(): Promise<void>;
}

/** Waiting for company before a run, for stores to which few large writes cost less than many small ones. */
export interface Linger<J> {
  sizeOf(job: J): number;
  /** A group that is as large is run at once. */
  enough: number;
  /** Longest wait of a group's first job. */
  maxMs: number;
  clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
}

/** Runs one group at a time, in order of arrival. A disk takes as long for one batch as for five. */
export function createGroupCommit<J>(run: (jobs: J[]) => Promise<void>, linger?: Linger<J>): GroupCommit<J> {
  let waiting: { job: J; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let size = 0;
  let running: Promise<void> | undefined;
  let closing = false;
  let goOn = () => {};

  async function company({ enough, maxMs, clock }: Linger<J>): Promise<void> {
    if (closing || size >= enough) return;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, maxMs);
      goOn = () => {
        clock.clearTimeout(timer);
        resolve();
      };
    });
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      if (linger) await company(linger);
      const group = waiting;
      waiting = [];
      size = 0;
      try {
        await run(group.map(({ job }) => job));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    running = undefined;
  }

  return {
    add: (job) =>
      new Promise((resolve, reject) => {
        waiting.push({ job, resolve, reject });
        if (linger) {
          size += linger.sizeOf(job);
          if (size >= linger.enough) goOn();
        }
        running ??= work();
      }),
    async idle() {
      closing = true;
      goOn();
      await running;
    },
  };
}
