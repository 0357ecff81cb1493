// The command line of `npm run bench`.

import { parseArgs } from 'node:util';
import { ALWAYS, SDKS } from './sdks.mjs';

const HELP = `npm run bench -- [options]

  --only a,b     rows to measure: ROWS. Default: all
  --peer a,b     SDKs to compare with, by id or package: PEERS, or none. Default: all
  --runs n       runs of each (default 5; scenarios that say little more when repeated are run less)
  --quick        shorter streams, 1 run: to see that it works
  --out folder   where bench.json, bench.svg and bench.md go (default e2e/bench/results)
  --record       also make this the baseline that later runs are compared with: docs/bench.json, docs/bench.svg,
                 and the table in docs/bench.md
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

/**
 * @typedef {object} Options
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
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const peers = SDKS.filter(({ id }) => !ALWAYS.includes(id));
  if (values.help) {
    console.log(
      HELP.replace('ROWS', Object.keys(ROWS).join(', ')).replace('PEERS', peers.map(({ id }) => id).join(', ')),
    );
    return undefined;
  }
  const rows = values.only?.split(',') ?? Object.keys(ROWS);
  for (const row of rows)
    if (!Object.hasOwn(ROWS, row)) throw new Error(`no such row: ${row}; there are ${Object.keys(ROWS).join(', ')}`);
  const runs = Number(values.runs ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs must be a whole number from 1, not ${values.runs}`);
  return {
    scenarios: new Set(rows.map((row) => /** @type {Record<string, string>} */ (ROWS)[row] ?? row)),
    sdks: [...ALWAYS, ...chosen(values.peer, peers)],
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
