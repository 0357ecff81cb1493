/**
 * The ways in which a visitor may make the collector misbehave, one at a time and for a while.
 */

/** @typedef {import('../../src/testing/index.js').MisbehavingCollector<any>} Collector */

/** Longest a visitor may break it, in seconds: an open tab must not leave the demo broken for the next visitor. */
export const MAX_SECONDS = 120;

/**
 * @type {Record<string, (collector: Collector, seconds: number) => void | Promise<void>>}
 */
const FAULTS = {
  refuse: (collector) => collector.down(),
  unavailable: (collector, seconds) => {
    collector.misbehave({ kind: 'status', status: 503 }, { forMs: seconds * 1000 });
  },
  'lose-answers': (collector, seconds) => {
    collector.misbehave({ kind: 'reset', stored: true }, { forMs: seconds * 1000 });
  },
  'rate-limit': (collector, seconds) => {
    collector.misbehave({ kind: 'status', status: 429, retryAfter: 10 }, { forMs: seconds * 1000 });
  },
  slow: (collector, seconds) => {
    collector.misbehave({ kind: 'delay', ms: 3000 }, { forMs: seconds * 1000 });
  },
};

/**
 * @param {Collector} collector
 * @param {() => void} changed Told when a fault begins or ends.
 */
export function createFaults(collector, changed) {
  /** @type {{ kind: string, from: number, until: number } | undefined} */
  let current;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;

  async function end() {
    clearTimeout(timer);
    current = undefined;
    collector.behave();
    await collector.up();
  }

  return {
    get current() {
      return current;
    },

    /**
     * Begins a fault in place of the one there is; `none` only ends it.
     * @param {unknown} kind
     * @param {unknown} seconds
     * @returns {Promise<string | undefined>} What is wrong with the request, if something is.
     */
    async set(kind, seconds) {
      const fault = typeof kind === 'string' && Object.hasOwn(FAULTS, kind) ? FAULTS[kind] : undefined;
      if (!fault && kind !== 'none') {
        return `\`kind\` must be one of none, ${Object.keys(FAULTS).join(', ')}, not ${JSON.stringify(kind)}`;
      }
      if (fault && !(typeof seconds === 'number' && seconds > 0 && seconds <= MAX_SECONDS)) {
        return `\`seconds\` must be a number from 0 to ${MAX_SECONDS}, not ${JSON.stringify(seconds)}`;
      }
      await end();
      if (fault && typeof seconds === 'number' && typeof kind === 'string') {
        const from = Date.now();
        current = { kind, from, until: from + seconds * 1000 };
        await fault(collector, seconds);
        timer = setTimeout(() => void end().then(changed), seconds * 1000);
        timer.unref();
      }
      changed();
      return undefined;
    },

    close() {
      clearTimeout(timer);
    },
  };
}
