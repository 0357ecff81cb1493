// `petrel ledger`: what arrived, what did not, and why; of one collector, or of several added up.

import { statSync } from 'node:fs';
import { auditLedger, mergeLedgers, openRemoteLedger, reportLedger } from '../../dist/server/index.js';
import { openLedgerFile } from '../../dist/server/sinks/sqlite.js';
import { parse as parseArgs, UsageError } from '../lib/command.mjs';
import { show } from './table.mjs';

/** @typedef {import('../../dist/server/index.js').Ledger} Ledger */
/** @typedef {import('../../dist/server/index.js').LedgerAudit} LedgerAudit */
/** @typedef {import('../../dist/server/index.js').LedgerQuery} LedgerQuery */
/** @typedef {import('../../dist/server/sinks/sqlite.js').LedgerFile} LedgerFile */

export const HELP = `Usage
  petrel ledger --db events.db              what the collector of this file received, and what is missing
  petrel ledger --url https://collect.example/ --token …

Options
  --db <file>         the collector's database, or its ledger file; may run meanwhile. More than once: they are added up
  --url <address>     a collector that has a ledger token. More than once, and with --db: they are added up
  --token <token>     the ledger's token, for --url; else the environment's PETREL_LEDGER_TOKEN
  --by <what>         a row for each day (default), release, key or source
  --source <source>   only this one
  --from, --to <day>  only what was first heard of on these days (2026-11-25, UTC, both inclusive)
  --missing           by source: only those with something missing
  --limit <rows>      at most so many rows (1000)
  --max-age <days>    how old a gap may be until it counts as missing (8)
  --at <time>         judge for another moment, such as 2026-12-24 or 2026-12-24T18:00Z
  --audit             also look each event up in the database: rows that are gone, rows that came in past the collector (--db)
  --json              for programs

Ends with 0 when nothing is missing, with 1 when something is (or an audit finds something), with 2 when called wrongly.
`;

const BY = ['day', 'release', 'key', 'source'];

/**
 * @param {string[]} argv what follows `petrel ledger`
 * @param {{ env?: NodeJS.ProcessEnv, now?: number, write?: (text: string) => void }} [world]
 * @returns {Promise<0 | 1>} the exit code
 */
export async function ledger(
  argv,
  { env = process.env, now = Date.now(), write = (text) => process.stdout.write(text) } = {},
) {
  const values = parse(argv);
  if (values.help) {
    write(HELP);
    return 0;
  }
  const query = queryOf(values, now);
  const { db = [], url = [], token = env.PETREL_LEDGER_TOKEN } = values;
  if (db.length + url.length === 0) throw new UsageError('`petrel ledger` needs --db or --url');
  if (url.length > 0 && !token) throw new UsageError('--url needs --token, or PETREL_LEDGER_TOKEN in the environment');
  if (values.audit && url.length > 0)
    throw new UsageError('--audit looks into the database: give it as --db, without --url');
  for (const address of url) if (!URL.canParse(address)) throw new UsageError(`--url ${address} is not an address`);

  /** @type {LedgerFile[]} */
  const files = [];
  try {
    for (const path of db) {
      if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new Error(`there is no file ${path}`);
      files.push(await openLedgerFile({ path }));
    }
    const remote = await Promise.all(url.map((address) => openRemoteLedger(address, token ?? '')));
    const all = [...files.map((file) => file.ledger), ...remote];
    const one = all.length === 1 ? /** @type {Ledger} */ (all[0]) : mergeLedgers(all);
    const report = await reportLedger(one, query);
    const audit = values.audit ? await auditAll(files, db) : undefined;
    write(values.json ? `${JSON.stringify({ ...report, ...(audit && { audit }) }, null, 2)}\n` : show(report, audit));
    return report.total.missing > 0 || (audit && audit.gone + audit.stray > 0) ? 1 : 0;
  } finally {
    for (const file of files) file.close();
  }
}

/**
 * @param {LedgerFile[]} files
 * @param {string[]} paths
 * @returns {Promise<LedgerAudit>} of all of them
 */
async function auditAll(files, paths) {
  /** @type {LedgerAudit} */
  const sum = { checked: 0, gone: 0, stray: 0, discrepancies: [] };
  for (const [i, { ledger, events }] of files.entries()) {
    if (!events) throw new Error(`${paths[i]} has a ledger and no events to compare it with`);
    const { checked, gone, stray, discrepancies } = await auditLedger(ledger, events, events.strangers());
    sum.checked += checked;
    sum.gone += gone;
    sum.stray += stray;
    sum.discrepancies.push(...discrepancies);
  }
  return sum;
}

/** @param {string[]} argv */
function parse(argv) {
  return parseArgs(argv, {
    db: { type: 'string', multiple: true },
    url: { type: 'string', multiple: true },
    token: { type: 'string' },
    by: { type: 'string' },
    source: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    missing: { type: 'boolean' },
    limit: { type: 'string' },
    'max-age': { type: 'string' },
    at: { type: 'string' },
    audit: { type: 'boolean' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  }).values;
}

/**
 * @param {ReturnType<typeof parse>} values
 * @param {number} now
 * @returns {LedgerQuery}
 */
function queryOf(values, now) {
  const { by = values.source || values.missing ? 'source' : 'day', limit = '1000', 'max-age': days = '8', at } = values;
  if (!BY.includes(by)) throw new UsageError(`--by must be one of ${BY.join(', ')}, not ${by}`);
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw new UsageError(`--limit must be a number of rows, not ${limit}`);
  if (!(Number(days) > 0 && Number(days) <= 40)) throw new UsageError(`--max-age must be 40 days or less, not ${days}`);
  for (const name of /** @type {const} */ (['from', 'to'])) {
    const day = values[name];
    if (day !== undefined && !(/^\d{4}-\d\d-\d\d$/.test(day) && Date.parse(day) >= 0)) {
      throw new UsageError(`--${name} must be a day such as 2026-11-25, not ${day}`);
    }
  }
  const moment = at === undefined ? now : Date.parse(at);
  if (Number.isNaN(moment)) throw new UsageError(`--at must be a time such as 2026-12-24T18:00Z, not ${at}`);
  const { source, from, to, missing } = values;
  return {
    by: /** @type {LedgerQuery['by'] & string} */ (by),
    now: moment,
    maxAgeMs: Number(days) * 86_400_000,
    limit: Number(limit),
    ...(source !== undefined && { source }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(missing !== undefined && { missing }),
  };
}
