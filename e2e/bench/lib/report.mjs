// From samples to figures, and from figures to tables.

import { mean, median, quantile, summary } from './stats.mjs';

/**
 * @typedef {import('../bench.mjs').Sample} Sample
 * @typedef {import('./stats.mjs').Summary} Summary
 * @typedef {Record<string, Summary>} Figures By metric.
 */

/**
 * @typedef {object} Report
 * @property {string} measuredAt @property {string} machine @property {string} node @property {string} browser @property {boolean} quick
 * @property {{ id: string, name: string, queue: string, package?: string, version?: string, weights?: Record<string, import('./bundle.mjs').Weight> }[]} sdks
 * @property {Record<string, Figures>} figures By SDK.
 * @property {{ sdk: string, scenario: string, rate: number, error: string }[]} errors
 */

/**
 * @typedef {object} Metric
 * @property {string} key
 * @property {string} what As a row of Petrel's table; its unit included.
 * @property {string} [short] As a column of the comparison.
 * @property {number} [digits]
 * @property {number} [budget] What Petrel must not be over (or under, if `more`).
 * @property {number} [most] What it may at most be, where the budget is a goal.
 * @property {true} [more] More is better.
 * @property {true} [alone] Only Petrel has it.
 */

/** @type {Metric[]} */
export const METRICS = [
  { key: 'gzip', what: 'page entry, gzip -9, KB', short: 'page gz KB', digits: 1, budget: 2.6, most: 3 },
  { key: 'brotli', what: 'page entry, brotli, KB', digits: 1 },
  {
    key: 'bursts',
    what: 'main-thread CPU per 1,000 events in bursts of 10, ms',
    short: 'main ms / 1k (bursts)',
    budget: 25,
    most: 30,
  },
  { key: 'bursts4', what: 'the same, CPU slowed 4×, ms', short: 'at 4×', budget: 110 },
  { key: 'steady', what: 'main-thread CPU per 1,000 events at 20/s, ms', short: 'main ms / 1k (20/s)', budget: 110 },
  { key: 'trackMedian', what: '`track()`, median of calls, µs', short: 'track µs: median', budget: 5 },
  { key: 'trackP99', what: '`track()`, p99 of calls, µs', short: 'p99', budget: 50 },
  { key: 'trackMean', what: '`track()`, mean of calls, µs', short: 'mean', digits: 1 },
  { key: 'handler', what: '50 calls in a click handler, ms', short: 'click: handler ms', digits: 2, budget: 0.5 },
  { key: 'handler4', what: 'the same, CPU slowed 4×, ms', digits: 2, budget: 3 },
  {
    key: 'nextTask',
    what: 'from that handler’s start until the next task, above the empty page, ms',
    short: 'next task ms',
    digits: 2,
    budget: 1,
  },
  { key: 'nextTask4', what: 'the same, CPU slowed 4×, ms', digits: 2 },
  {
    key: 'startup',
    what: 'evaluate + create + first page view, main-thread CPU, first visit, ms',
    short: 'start ms: first visit',
    digits: 1,
  },
  { key: 'startupAgain', what: 'the same, returning visitor, ms', short: 'returning', digits: 1, budget: 3, most: 4 },
  { key: 'startup4', what: 'first visit, CPU slowed 4×, ms', digits: 1 },
  { key: 'startupAgain4', what: 'returning visitor, CPU slowed 4×, ms', digits: 1 },
  {
    key: 'wire',
    what: 'bytes on the wire per event at 20/s, headers included',
    short: 'wire B / event',
    budget: 45,
    most: 60,
  },
  { key: 'requests', what: 'requests per 1,000 events at 20/s', short: 'requests / 1k', budget: 22 },
  {
    key: 'tree',
    what: 'whole browser’s CPU per 1,000 events in bursts of 10, ms',
    short: 'browser ms / 1k (bursts)',
    budget: 250,
  },
  { key: 'treeSteady', what: 'whole browser’s CPU per 1,000 events at 20/s, ms', short: 'browser ms / 1k (20/s)' },
  { key: 'lost', what: 'events that did not arrive, %', short: 'lost %', digits: 1, budget: 0 },
  { key: 'doubled', what: 'events that arrived more than once, %', short: 'doubled %', digits: 1, budget: 0 },
  {
    key: 'grow10',
    what: 'main-thread CPU of one more event, 10 waiting offline, µs',
    short: 'offline µs / event: 10 waiting',
  },
  { key: 'grow1000', what: 'the same, 1,000 waiting, µs', short: '1,000' },
  { key: 'grow10000', what: 'the same, 10,000 waiting, µs', short: '10,000' },
  { key: 'durable', what: 'from `track()` to durable, median, ms', digits: 1, budget: 120 },
  { key: 'durableP99', what: 'the same, p99, ms', digits: 1, budget: 250 },
  { key: 'critical', what: 'the same, `critical` event, median, ms', digits: 1, budget: 30 },
  { key: 'clicked', what: 'the same, event of a click, median, ms', digits: 1, budget: 30 },
  { key: 'cold', what: 'the same, worker stopped, median, ms', digits: 1 },
  { key: 'drain', what: 'drain of 10,000 events, events/s', budget: 5_000, more: true, alone: true },
  { key: 'drainRequests', what: 'requests for it', budget: 120, alone: true },
  { key: 'drainHeap', what: 'worker’s memory above idle meanwhile, MB', digits: 1, budget: 30, alone: true },
  { key: 'wakeUps', what: 'timers fired per minute, nothing tracked', short: 'timers / min idle', budget: 0 },
];

/**
 * @param {Omit<Report, 'figures' | 'errors'> & { samples: Sample[] }} measured
 * @returns {Report}
 */
export function evaluate({ samples, ...head }) {
  /** @type {Record<string, Figures>} */
  const figures = {};
  for (const { id, weights } of head.sdks) {
    /** @type {Record<string, number[]>} */
    const values = {};
    if (weights?.entry) {
      values.gzip = [weights.entry.gzip / 1_024];
      values.brotli = [weights.entry.brotli / 1_024];
    }
    const results = (/** @type {string} */ scenario, rate = 1, sdk = id) =>
      samples
        .filter((each) => each.sdk === sdk && each.scenario === scenario && each.rate === rate && each.result)
        .map(({ result }) => result);
    const baseline = (/** @type {string} */ scenario, rate = 1) => results(scenario, rate, 'empty');
    streams(values, results, baseline);
    clicks(values, results, baseline);
    starts(values, results, baseline);
    growth(values, results, baseline);
    others(values, results);
    figures[id] = {};
    for (const [key, list] of Object.entries(values)) if (list.length > 0) figures[id][key] = rounded(summary(list));
  }
  const errors = samples.flatMap(({ sdk, scenario, rate, error }) => (error ? [{ sdk, scenario, rate, error }] : []));
  return { ...head, figures, errors };
}

/** @typedef {(scenario: string, rate?: number) => any[]} Results */

/** @param {Summary} figure @returns {Summary} */
const rounded = ({ median, low, high, n }) => ({ median: round(median), low: round(low), high: round(high), n });
const round = (/** @type {number} */ value) => Math.round(value * 1_000) / 1_000;

/**
 * CPU time of a stream and what follows it, above what the empty page used for the same; per 1,000 events.
 *
 * @param {any} result @param {any[]} empty @param {'taskMs' | 'treeMs'} of
 */
function above(result, empty, of) {
  const during = median(empty.map(({ stream }) => stream[of]));
  const idleRate = median(empty.map(({ settle, settleMs }) => settle[of] / settleMs));
  const spent = result.stream[of] - during + result.settle[of] - idleRate * result.settleMs;
  return (spent * 1_000) / result.count;
}

/** @param {Record<string, number[]>} values @param {Results} results @param {Results} baseline */
function streams(values, results, baseline) {
  const bursts = results('bursts');
  const steady = results('steady');
  const empty = { bursts: baseline('bursts'), bursts4: baseline('bursts', 4), steady: baseline('steady') };
  values.bursts = bursts.map((result) => above(result, empty.bursts, 'taskMs'));
  values.bursts4 = results('bursts', 4).map((result) => above(result, empty.bursts4, 'taskMs'));
  values.tree = bursts.map((result) => above(result, empty.bursts, 'treeMs'));
  values.steady = steady.map((result) => above(result, empty.steady, 'taskMs'));
  values.treeSteady = steady.map((result) => above(result, empty.steady, 'treeMs'));
  values.trackMedian = bursts.map(({ times }) => median(times));
  values.trackP99 = bursts.map(({ times }) => quantile(times, 0.99));
  values.trackMean = bursts.map(({ times }) => mean(times));
  const sent = steady.filter(({ arrived }) => arrived > 0);
  values.wire = sent.map(({ bytes, arrived }) => bytes / arrived);
  values.requests = sent.map(({ requests, count }) => (requests * 1_000) / count);
  values.preflights = sent.map(({ preflights, count }) => (preflights * 1_000) / count);
  const all = [...bursts, ...steady, ...results('bursts', 4)];
  values.lost = all.map(({ arrived, count }) => (100 * (count - arrived)) / count);
  values.doubled = all.map(({ doubled, count }) => (100 * doubled) / count);
}

/** @param {Record<string, number[]>} values @param {Results} results @param {Results} baseline */
function clicks(values, results, baseline) {
  for (const [rate, suffix] of /** @type {[number, string][]} */ ([
    [1, ''],
    [4, '4'],
  ])) {
    const empty = median(baseline('click', rate).map(({ nextTaskMs }) => median(nextTaskMs)));
    values[`handler${suffix}`] = results('click', rate).map(({ handlerMs }) => median(handlerMs));
    values[`nextTask${suffix}`] = results('click', rate).map(({ nextTaskMs }) => median(nextTaskMs) - empty);
  }
}

/** @param {Record<string, number[]>} values @param {Results} results @param {Results} baseline */
function starts(values, results, baseline) {
  for (const [rate, suffix] of /** @type {[number, string][]} */ ([
    [1, ''],
    [4, '4'],
  ])) {
    for (const [visit, key] of /** @type {const} */ ([
      ['first', 'startup'],
      ['returning', 'startupAgain'],
    ])) {
      const empty = median(baseline('startup', rate).map((result) => result[visit].taskMs));
      values[key + suffix] = results('startup', rate).map((result) => result[visit].taskMs - empty);
    }
  }
}

/** @param {Record<string, number[]>} values @param {Results} results @param {Results} baseline */
function growth(values, results, baseline) {
  const at = (/** @type {any} */ result, /** @type {number} */ waiting) =>
    result.levels.find((/** @type {any} */ level) => level.waiting === waiting)?.spent.taskMs;
  for (const waiting of [10, 1_000, 10_000]) {
    const empty = median(baseline('growth').flatMap((result) => at(result, waiting) ?? []));
    values[`grow${waiting}`] = results('growth').flatMap((result) => {
      const spent = at(result, waiting);
      return spent === undefined ? [] : [((spent - empty) * 1_000) / result.measured];
    });
  }
}

/** @param {Record<string, number[]>} values @param {Results} results */
function others(values, results) {
  const durable = results('durable');
  values.durable = durable.map(({ normal }) => median(normal));
  values.durableP99 = durable.map(({ normal }) => quantile(normal, 0.99));
  values.critical = durable.map(({ critical }) => median(critical));
  values.clicked = durable.map(({ clicked }) => median(clicked));
  values.cold = durable.map(({ cold }) => median(cold));
  const drain = results('drain');
  values.drain = drain.map(({ perSecond }) => perSecond);
  values.drainRequests = drain.map(({ requests }) => requests);
  values.drainHeap = drain.flatMap(({ peakHeap, idleHeap }) => (idleHeap ? [(peakHeap - idleHeap) / 2 ** 20] : []));
  values.wakeUps = results('idle').map(({ wakeUps, watchedMs }) => (wakeUps * 60_000) / watchedMs);
}

/** @param {number | undefined} value @param {number} [digits] */
function tell(value, digits = 0) {
  if (value === undefined || Number.isNaN(value)) return '–';
  const text = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

/** @param {Report} report @param {string} sdk @param {Metric} metric */
const figureOf = (report, sdk, { key }) => report.figures[sdk]?.[key];

/** @param {Report} report @returns {Metric[]} Those of which there is anything. */
const measured = (report) =>
  METRICS.filter((metric) => report.sdks.some(({ id }) => figureOf(report, id, metric) !== undefined));

/** Figures over the runs of several scenarios. */
const OF_MANY = ['lost', 'doubled'];

/** @param {Report} report */
function head(report) {
  const runs = Math.max(
    0,
    ...Object.values(report.figures).flatMap((figures) =>
      Object.entries(figures).map(([key, { n }]) => (OF_MANY.includes(key) ? 0 : n)),
    ),
  );
  return `${report.browser || 'no browser'}, Node ${report.node.slice(1)}, ${report.machine}; n ≤ ${runs}${report.quick ? ', quick' : ''}`;
}

/** What the README shows of the comparison. */
const SUMMARY = {
  gzip: 'page script, KB gzip',
  bursts: 'main thread, ms / 1,000 events',
  trackP99: '`track()`, p99 µs',
  startupAgain: 'start, ms',
  wire: 'bytes / event',
  tree: 'whole browser, ms / 1,000 events',
  lost: 'lost, %',
};

/** @param {Report} report @param {Metric[]} metrics @returns {string[][]} The comparison, SDK by SDK. */
function comparison(report, metrics = measured(report).filter(({ short }) => short)) {
  return [
    ['', ...metrics.map(({ short = '' }) => short)],
    ...report.sdks
      .filter(({ id }) => id !== 'empty')
      .map((sdk) => [
        [sdk.name, sdk.version].filter(Boolean).join(' '),
        ...metrics.map((metric) => tell(figureOf(report, sdk.id, metric)?.median, metric.digits)),
      ]),
  ];
}

/** Of events, in percent: beyond, an SDK is not taken for the best. */
const MOST_LOST = 1;

/** @param {Report} report @returns {string[][]} Petrel's budget, row by row. */
function budget(report) {
  // Who throws events away is no measure for speed.
  const peers = report.sdks.filter(
    ({ id, package: from }) => from && !((report.figures[id]?.lost?.median ?? 0) > MOST_LOST),
  );
  return [
    ['', 'Petrel', 'quartiles', 'n', 'budget', 'bare floor', 'best other', ''],
    ...measured(report)
      .filter((metric) => figureOf(report, 'petrel', metric))
      .map((metric) => {
        const { digits, more } = metric;
        const own = /** @type {Summary} */ (figureOf(report, 'petrel', metric));
        const best = peers
          .flatMap((peer) =>
            figureOf(report, peer.id, metric)
              ? [{ name: peer.name, value: figureOf(report, peer.id, metric)?.median ?? 0 }]
              : [],
          )
          .sort((a, b) => (a.value - b.value) * (more ? -1 : 1))[0];
        return [
          metric.what,
          tell(own.median, digits),
          own.n > 1 ? `${tell(own.low, digits)}–${tell(own.high, digits)}` : '',
          String(own.n),
          metric.budget === undefined
            ? ''
            : `${more ? '≥' : '≤'} ${tell(metric.budget, metric.budget % 1 ? digits : 0)}`,
          tell(figureOf(report, 'floor', metric)?.median, digits),
          best ? `${tell(best.value, digits)} ${best.name}` : '–',
          verdict(metric, own.median),
        ];
      }),
  ];
}

/** @param {Metric} metric @param {number} value */
function verdict({ budget, most, more }, value) {
  if (budget === undefined) return '';
  if (more ? value >= budget : value <= budget) return 'met';
  return most !== undefined && value <= most ? 'near' : 'OVER';
}

/** @param {Report} report @returns {string[]} For the terminal. */
export function tables(report) {
  return [
    '',
    head(report),
    '',
    ...aligned(transposed(comparison(report))),
    ...(report.figures.petrel ? ['', ...aligned(budget(report))] : []),
    ...report.errors.map(({ sdk, scenario, rate, error }) => `FAILED ${scenario} ${sdk} ×${rate}: ${error}`),
  ];
}

/** @param {string[][]} rows */
const transposed = (rows) => (rows[0] ?? []).map((_, i) => rows.map((row) => row[i] ?? ''));

/** @param {string[][]} rows */
function aligned(rows) {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** @param {string[][]} rows */
function table(rows) {
  const [head = [], ...body] = rows;
  return [head, ['---', ...head.slice(1).map(() => '--:')], ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** @param {Report} report @returns {string} For the README. */
export function summaryOf(report) {
  const metrics = Object.entries(SUMMARY).flatMap(([key, short]) =>
    METRICS.filter((metric) => metric.key === key).map((metric) => ({ ...metric, short })),
  );
  const [titles = [], ...rows] = comparison(report, metrics);
  const byMain = (/** @type {string[]} */ row) => Number((row[2] ?? '').replace(',', '')) || Number.POSITIVE_INFINITY;
  return [
    `Medians, ${head(report)}; ${report.measuredAt.slice(0, 10)}. CPU times are above the empty page.`,
    table([titles, ...rows.sort((a, b) => byMain(a) - byMain(b))]),
  ].join('\n\n');
}

/** @param {Report} report @returns {string} For docs/bench.md. */
export function markdown(report) {
  return [
    `Measured ${report.measuredAt.slice(0, 10)} in ${head(report)}. Medians; CPU times are above the empty page.`,
    table(comparison(report)),
    ...(report.figures.petrel
      ? ['Petrel against its budget, with the quartiles of the runs:', table(budget(report))]
      : []),
    ...(report.errors.length > 0
      ? [
          report.errors
            .map(({ sdk, scenario, rate, error }) => `- failed: ${scenario} ×${rate}, ${sdk}: ${error}`)
            .join('\n'),
        ]
      : []),
  ].join('\n\n');
}

/** What may change from run to run on one machine without meaning anything, as a factor. */
const NOISE = 1.15;

/**
 * What has changed since the recorded run. Machines differ, so times are compared as multiples of the bare floor's.
 *
 * @param {Report} report
 * @param {Report | undefined} recorded
 * @returns {string[]}
 */
export function compare(report, recorded) {
  if (!recorded?.figures.petrel || !report.figures.petrel) return [];
  const lines = [];
  for (const metric of METRICS) {
    const now = relative(report, metric);
    const then = relative(recorded, metric);
    if (now === undefined || then === undefined || then <= 0 || now <= 0) continue;
    const factor = metric.more ? then / now : now / then;
    if (factor > NOISE || factor < 1 / NOISE) {
      lines.push(`  ${factor > 1 ? 'worse' : 'better'} ×${tell(Math.max(factor, 1 / factor), 2)}: ${metric.what}`);
    }
  }
  const since = `since ${recorded.measuredAt.slice(0, 10)} (recorded, ${recorded.browser}), relative to the bare floor`;
  return ['', lines.length > 0 ? `changed ${since}:` : `nothing changed ${since}`, ...lines];
}

/** @param {Report} report @param {Metric} metric */
function relative(report, metric) {
  const own = figureOf(report, 'petrel', metric)?.median;
  const floor = figureOf(report, 'floor', metric)?.median;
  return own !== undefined && floor !== undefined && floor > 0 ? own / floor : own;
}
