/** Turns writes that come while another is under way into one. */
export interface GroupCommit<J> {
  /** Resolves when a run that had the job is done; rejects with its error. */
  add(job: J): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Runs one group at a time, in order of arrival. A disk takes as long for one batch as for five. */
export function createGroupCommit<J>(run: (jobs: J[]) => Promise<void>): GroupCommit<J> {
  let waiting: { job: J; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let running: Promise<void> | undefined;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
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
        running ??= work();
      }),
    idle: async () => running,
  };
}
