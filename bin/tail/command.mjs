// `petrel tail`: events as they arrive, of a database file or of a running collector.

import { parse, say, UsageError, write } from '../lib/command.mjs';
import { followDatabase } from './database.mjs';
import { lineOf } from './line.mjs';
import { followUrl } from './remote.mjs';

const HELP = `Usage
  petrel tail                                          what arrives in petrel.db
  petrel tail --db events.db --name purchase --json
  petrel tail --url https://collect.example/ --token …

Options
  --db <file>        the collector's database (PETREL_DB, petrel.db); may run meanwhile
  --url <address>    a collector that has a token for this (its setting \`tail\`)
  --token <token>    that token; else the environment's PETREL_TAIL
  --name, --category, --source, --user <value>   only events that have it
  --last <n>         begin with the last n that are stored (--db: 10)
  --no-follow        end after those
  --json             a JSON object per line, with the columns of docs/collector.md as members
  -h, --help         this text

Times are the collector's, here. Ctrl-C ends it.
`;

/** @typedef {{ name?: string, category?: string, source?: string, user?: string }} Filter */
/** @typedef {Record<string, unknown>} Event as a flat record: docs/collector.md */

/** @param {string[]} argv what follows `petrel tail` */
export async function tail(argv) {
  const { values } = parse(argv, {
    db: { type: 'string' },
    url: { type: 'string' },
    token: { type: 'string' },
    name: { type: 'string' },
    category: { type: 'string' },
    source: { type: 'string' },
    user: { type: 'string' },
    last: { type: 'string' },
    'no-follow': { type: 'boolean' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help) return say(HELP);
  const { db, url, last = '10', name, category, source, user, json = false } = values;
  const { PETREL_TAIL, PETREL_DB } = process.env;
  if (db !== undefined && url !== undefined) throw new UsageError('--db and --url exclude each other: give one');
  if (!/^\d{1,7}$/.test(last)) throw new UsageError(`--last must be a number of events, not ${JSON.stringify(last)}`);
  const filter = Object.fromEntries(
    Object.entries({ name, category, source, user }).filter(([, value]) => value !== undefined),
  );
  const { columns } = process.stdout;
  /** @param {Event} event */
  const show = (event) => write(json ? `${JSON.stringify(event)}\n` : `${lineOf(event, columns)}\n`);

  if (url === undefined) {
    const follow = values['no-follow'] !== true;
    return followDatabase(db ?? (PETREL_DB || 'petrel.db'), { filter, last: Number(last), follow, show });
  }
  if (!URL.canParse(url)) throw new UsageError(`--url ${url} is not an address`);
  if (values.last !== undefined || values['no-follow']) {
    throw new UsageError('--last and --no-follow are for --db: a collector tells what arrives, from now on');
  }
  const token = values.token ?? PETREL_TAIL;
  if (!token) throw new UsageError('--url needs --token, or PETREL_TAIL in the environment');
  return followUrl(url, token, { filter, show });
}
