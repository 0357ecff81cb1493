import type { Clock } from '../core/clock.js';
import type { IntakeState } from './intake.js';
import type { RequestRecord } from './request-record.js';
import type { Sink } from './sinks/sink.js';

/** @see https://prometheus.io/docs/specs/om/open_metrics_spec/ */
export const METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** What is true at the moment of asking. */
export interface Gauges extends IntakeState {
  /** Bytes of bodies being received. */
  readingBytes: number;
  draining: boolean;
}

/** What a collector has done since it started, counted. */
export interface Metrics {
  request(record: RequestRecord): void;
  /** The sink, its writes counted and timed. */
  observe(sink: Sink): Sink;
  /** Bytes of bodies received, added to. */
  bodyBytes: number;
  /** All of it in the text format of OpenMetrics. */
  render(gauges: Gauges): string;
}

/** Upper ends, in seconds: from a commit of the embedded database to the longest wait for a sink. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(clock: Clock): Metrics {
  const startedAt = clock.now();
  const requests = new Map<string, number>();
  const events = { accepted: 0, duplicate: 0, rejected: 0 };
  const writes = { stored: 0, failed: 0 };
  const answering = createHistogram();
  const writing = createHistogram();

  const metrics: Metrics = {
    bodyBytes: 0,
    request({ method, status, error, ms, accepted = 0, duplicates = 0, rejected = 0 }) {
      // What is asked by the one who reads this is not counted: it would be most of it on a quiet site.
      if (method !== 'POST') return;
      const labels = `{status="${status}"${error === undefined ? '' : `,error="${error}"`}}`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
      answering.add(ms / 1_000);
      events.accepted += accepted;
      events.duplicate += duplicates;
      events.rejected += rejected;
    },
    observe(sink) {
      return {
        async write(...args) {
          const began = clock.now();
          try {
            const result = await sink.write(...args);
            writes.stored++;
            return result;
          } catch (error) {
            writes.failed++;
            throw error;
          } finally {
            writing.add((clock.now() - began) / 1_000);
          }
        },
        has: (ranges) => sink.has(ranges),
        ...(sink.ledger && { ledger: sink.ledger }),
        close: () => sink.close(),
      };
    },
    render({ waitingEvents, waitingBytes, sinkFailures, readingBytes, draining }) {
      const byFate = (counts: Record<string, number>, label: string) =>
        Object.entries(counts).map(([fate, count]) => `_total{${label}="${fate}"} ${count}`);
      const families: [name: string, type: string, help: string, samples: string[]][] = [
        [
          'petrel_requests',
          'counter',
          'Posts, by status and error word.',
          [...requests].sort().map(([labels, count]) => `_total${labels} ${count}`),
        ],
        ['petrel_request_seconds', 'histogram', 'From a post to its answer.', answering.samples()],
        ['petrel_events', 'counter', 'Events of answered posts, by fate.', byFate(events, 'fate')],
        ['petrel_body_bytes', 'counter', 'Bytes of bodies received.', [`_total ${metrics.bodyBytes}`]],
        ['petrel_sink_writes', 'counter', 'Writes of the sink, by result.', byFate(writes, 'result')],
        ['petrel_sink_write_seconds', 'histogram', 'Time of a write of the sink.', writing.samples()],
        ['petrel_sink_failures', 'gauge', 'Writes failed since the last that succeeded.', [` ${sinkFailures}`]],
        ['petrel_waiting_events', 'gauge', 'Events waiting for the sink.', [` ${waitingEvents}`]],
        ['petrel_waiting_bytes', 'gauge', 'Bytes waiting for the sink.', [` ${waitingBytes}`]],
        ['petrel_reading_bytes', 'gauge', 'Bytes of bodies being received.', [` ${readingBytes}`]],
        ['petrel_draining', 'gauge', '1 while the collector ends.', [` ${draining ? 1 : 0}`]],
        ['petrel_start_time_seconds', 'gauge', 'When it started, since 1970.', [` ${startedAt / 1_000}`]],
      ];
      const text = families.map(([name, type, help, samples]) =>
        [`# TYPE ${name} ${type}`, `# HELP ${name} ${help}`, ...samples.map((sample) => name + sample), ''].join('\n'),
      );
      return `${text.join('')}# EOF\n`;
    },
  };
  return metrics;
}

function createHistogram() {
  const counts = new Array<number>(BUCKETS.length + 1).fill(0);
  let sum = 0;
  return {
    add(seconds: number): void {
      // A clock that was set back makes times below 0, which would make the sum fall.
      const value = Math.max(0, seconds);
      const bucket = BUCKETS.findIndex((end) => value <= end);
      counts[bucket === -1 ? BUCKETS.length : bucket]!++;
      sum += value;
    },
    samples(): string[] {
      let total = 0;
      const buckets = counts.map((count, i) => {
        total += count;
        return `_bucket{le="${i < BUCKETS.length ? floatOf(BUCKETS[i]!) : '+Inf'}"} ${total}`;
      });
      return [...buckets, `_count ${total}`, `_sum ${sum}`];
    },
  };
}

/** As OpenMetrics wants the ends of buckets: `1.0`, not `1`. */
const floatOf = (value: number) => (Number.isInteger(value) ? `${value}.0` : String(value));
