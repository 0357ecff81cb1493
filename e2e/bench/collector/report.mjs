// What the measurements say, as a table and as JSON.

import { summary } from '../lib/stats.mjs';

/**
 * @typedef {import('./measure.mjs').Measured} Measured
 *
 * @typedef {object} Result
 * @property {string} measuredAt
 * @property {string} machine
 * @property {string} node
 * @property {number} size events in a batch
 * @property {{ id: string, name: string, version: string, durable: string }[]} engines
 * @property {{ engine: string, run: number, direct: Measured, collector: Measured }[]} samples a pair each
 */

/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en');

/** Two digits: more than that is the machine's moods. @param {number} value */
const short = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(2))) : '–');

/** @param {readonly number[]} values @param {(value: number) => string} show */
function spread(values, show) {
  const { median, low, high, n } = summary(values);
  return n > 1 ? `${show(median)} (${show(low)} – ${show(high)})` : show(median);
}

/** @param {number} ratio */
const percent = (ratio) => `${Math.round(100 * ratio)} %`;

/** @param {Result} result */
export function markdown({ engines, samples, machine, node, measuredAt, size }) {
  const rows = engines.flatMap(({ id, name, version, durable }) => {
    const own = samples.filter(({ engine }) => engine === id);
    if (own.length === 0) return [];
    /** @param {(pair: typeof own[number]) => number} take @param {(value: number) => string} show */
    const cell = (take, show) => spread(own.map(take), show);
    /** @param {(pair: typeof own[number]) => number} take */
    const middle = (take) => summary(own.map(take)).median;
    return [
      `| **${name}** ${version}, ${durable} | ${cell(({ collector }) => collector.perSecond, whole)} | ${cell(({ direct }) => direct.perSecond, whole)} | ${cell(({ collector, direct }) => collector.perSecond / direct.perSecond, percent)} | ${short(middle(({ collector }) => collector.ackP50Ms ?? Number.NaN))} / ${short(middle(({ collector }) => collector.ackP99Ms ?? Number.NaN))} | ${short(middle(({ collector }) => collector.cpuUs))} + ${short(middle(({ collector }) => collector.engineCpuUs))} | ${short(middle(({ direct }) => direct.cpuUs))} + ${short(middle(({ direct }) => direct.engineCpuUs))} | ${whole(middle(({ collector }) => collector.memoryMb))} |`,
    ];
  });
  const runs = Math.max(...samples.map(({ run }) => run));
  return [
    `${machine}, Node ${node.slice(1)}, batches of ${size} events, ${runs} runs, ${measuredAt.slice(0, 10)}. Medians, with quartiles in parentheses.`,
    '',
    '| | events/s | the engine by itself | of the engine | acknowledged, p50 / p99 ms | CPU µs an event, collector + engine | by itself, client + engine | memory, MiB |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}
