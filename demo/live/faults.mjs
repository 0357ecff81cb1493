/**
 * The ways in which a visitor may make the collector misbehave, one at a time and for a while.
 */

/** @typedef {import('../../src/testing/index.js').MisbehavingCollector<any>} Collector */

/** Longest a visitor may break it, in seconds: an open tab must not leave the demo broken for the next visitor. */
export const MAX_SECONDS = 120;

/** How soon a port that was taken meanwhile is asked for again, in ms. */
const AGAIN_MS = 2_000;

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

  /**
   * Another program may have taken the port while it was free: it is asked for until it is there again.
   * @returns {Promise<string | undefined>} what went wrong
   */
  async function endOrTryAgain() {
    try {
      await end();
      return undefined;
    } catch (error) {
      const why = `The collector cannot listen again yet: ${error instanceof Error ? error.message : error}`;
      console.error(why);
      endAfter(AGAIN_MS);
      return why;
    } finally {
      changed();
    }
  }

  /** @param {number} ms */
  function endAfter(ms) {
    timer = setTimeout(endOrTryAgain, ms);
    timer.unref();
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
      const wrong = await endOrTryAgain();
      if (wrong) return wrong;
      if (fault && typeof seconds === 'number' && typeof kind === 'string') {
        const from = Date.now();
        current = { kind, from, until: from + seconds * 1000 };
        await fault(collector, seconds);
        endAfter(seconds * 1000);
      }
      changed();
      return undefined;
    },

    close() {
      clearTimeout(timer);
    },
  };
}
