// The command line of `npm run bench`.

import { parseArgs } from 'node:util';
import { ALWAYS, SDKS } from './sdks.mjs';

const HELP = `npm run bench -- [options]

  --only a,b     rows to measure: ROWS. Default: all
  --peer a,b     SDKs to compare with, by id or package: PEERS, or none. Default: all
  --engine name  chromium or firefox (ENGINE_ROWS only). Default: chromium
  --runs n       runs of each (default 5; scenarios that say little more when repeated are run less)
  --minutes n    stops after so long, with what there is by then
  --resume       goes on with the run in the folder of --out: what it has is not run again
  --quick        shorter streams, 1 run: to see that it works
  --out folder   where bench.json, bench.svg and bench.md go (default e2e/bench/results)
  --record       also make this the baseline that later runs are compared with: docs/bench.json, docs/bench.svg,
                 and the tables in docs/bench.md and README.md; of Firefox the table in docs/bench.md only
`;

/** What can be asked for, and the scenario that answers. */
export const ROWS = {
  size: 'size',
  track: 'bursts',
  bursts: 'bursts',
  steady: 'steady',
  wire: 'steady',
  click: 'click',
  startup: 'startup',
  growth: 'growth',
  durable: 'durable',
  drain: 'drain',
  idle: 'idle',
};

/** What can be measured without DevTools. */
const FIREFOX_ROWS = ['size', 'track', 'bursts', 'steady', 'wire', 'drain'];

/** Longest that --minutes may say. */
const MOST_MINUTES = 24 * 60;

/**
 * @typedef {object} Options
 * @property {'chromium' | 'firefox'} engine
 * @property {number} minutes How long it may take; Infinity for as long as it takes.
 * @property {boolean} resume
 * @property {Set<string>} scenarios
 * @property {string[]} sdks By id, those that are always there included.
 * @property {number} runs
 * @property {boolean} quick
 * @property {string | undefined} out
 * @property {boolean} record
 */

/**
 * @param {string[]} args
 * @returns {Options | undefined} Undefined when it was only asked for help.
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      peer: { type: 'string' },
      engine: { type: 'string', default: 'chromium' },
      runs: { type: 'string' },
      minutes: { type: 'string' },
      resume: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const peers = SDKS.filter(({ id }) => !ALWAYS.includes(id));
  if (values.help) {
    console.log(
      HELP.replace('ENGINE_ROWS', FIREFOX_ROWS.join(', '))
        .replace('ROWS', Object.keys(ROWS).join(', '))
        .replace('PEERS', peers.map(({ id }) => id).join(', ')),
    );
    return undefined;
  }
  const { engine } = values;
  if (engine !== 'chromium' && engine !== 'firefox')
    throw new Error(`no such engine: ${engine}; there are chromium, firefox`);
  const there = engine === 'firefox' ? FIREFOX_ROWS : Object.keys(ROWS);
  const rows = values.only?.split(',') ?? there;
  for (const row of rows)
    if (!there.includes(row)) throw new Error(`no such row in ${engine}: ${row}; there are ${there.join(', ')}`);
  const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
  if (!(minutes > 0) || (values.minutes !== undefined && minutes > MOST_MINUTES))
    throw new Error(`--minutes must be a number up to ${MOST_MINUTES}, not ${values.minutes}`);
  const runs = Number(values.runs ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs must be a whole number from 1, not ${values.runs}`);
  return {
    scenarios: new Set(rows.map((row) => /** @type {Record<string, string>} */ (ROWS)[row] ?? row)),
    sdks: [...ALWAYS, ...chosen(values.peer, peers)],
    engine,
    minutes,
    resume: values.resume,
    runs,
    quick: values.quick,
    out: values.out,
    record: values.record,
  };
}

/**
 * @param {string | undefined} names
 * @param {import('./sdks.mjs').Sdk[]} peers
 */
function chosen(names, peers) {
  if (names === undefined) return peers.map(({ id }) => id);
  if (names === 'none') return [];
  return names.split(',').flatMap((name) => {
    // A package can stand for several builds of it.
    const found = peers.filter((peer) => peer.id === name || peer.package === name);
    if (found.length === 0)
      throw new Error(`no such SDK: ${name}; there are ${peers.map(({ id }) => id).join(', ')}, none`);
    return found.map(({ id }) => id);
  });
}
