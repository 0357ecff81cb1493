import type { Clock } from '../core/clock.js';
import type { Sink } from './sinks/sink.js';

/** Whether to send requests here. */
export type Readiness = 'ready' | 'draining' | 'sink-failing';

/** A source that is nobody's: the question has to be asked, the answer does not matter. */
const PROBE = 'petrel-readyz';

/** Longest wait for the sink's answer, in ms: less than what probes wait (Kubernetes: 1 s, HAProxy: 2 s). */
const PROBE_TIMEOUT_MS = 900;

/** How long an answer is good for, in ms, so that whoever asks often costs the sink nothing. */
const REMEMBERED_MS = 1_000;

/**
 * Asks the sink, rather than remember how it did: a collector that gets no requests because it is not ready would never learn that the
 * sink is back.
 */
export function createProbe(sink: Sink, clock: Clock): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined;
  let askedAt = 0;

  function ask(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => resolve(false), PROBE_TIMEOUT_MS);
      Promise.resolve()
        .then((): Promise<unknown> => (sink.ready ? sink.ready() : sink.has([[PROBE, 1, 1]])))
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(() => clock.clearTimeout(timer));
    });
  }

  return () => {
    const elapsed = clock.now() - askedAt;
    if (!asked || elapsed < 0 || elapsed >= REMEMBERED_MS) {
      askedAt = clock.now();
      asked = ask();
    }
    return asked;
  };
}
