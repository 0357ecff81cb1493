// Follows the table `events` of a file.

import { statSync } from 'node:fs';
import { openReadOnly } from '../lib/database.mjs';

/** How often it is looked for new rows, in ms. */
const POLL_MS = 200;

/** Rows read at once. */
const PAGE = 500;

const COLUMNS =
  'position, id, source, seq, name, category, user_id, anonymous_id, session_id, group_id, timestamp, sent_at, received_at, batch_id, properties, context';

/** Columns that are asked for by another name. */
const FILTERS = { name: 'name', category: 'category', source: 'source', user: 'user_id' };

/**
 * @param {string} path
 * @param {{ filter: import('./command.mjs').Filter, last: number, follow: boolean,
 *   show: (event: import('./command.mjs').Event) => Promise<unknown> }} options
 */
export async function followDatabase(path, { filter, last, follow, show }) {
  const db = await openReadOnly(path);
  try {
    const names = /** @type {(keyof typeof FILTERS)[]} */ (Object.keys(filter));
    const wanted = ['position > ?', ...names.map((name) => `${FILTERS[name]} = ?`)].join(' AND ');
    const given = names.map((name) => filter[name]);
    if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'events'").get()) {
      throw new Error(`${path} has no table of events: it is no collector's database`);
    }
    const newest = db.prepare(`SELECT ${COLUMNS} FROM events WHERE ${wanted} ORDER BY position DESC LIMIT ?`);
    const after = db.prepare(`SELECT ${COLUMNS} FROM events WHERE ${wanted} ORDER BY position LIMIT ?`);
    const end = db.prepare('SELECT coalesce(max(position), 0) AS position FROM events');
    const file = statSync(path).ino;

    let seen = positionOf(end.get());
    for (const row of newest.all(0, ...given, last).reverse()) await show(eventOf(row));
    while (follow) {
      // Asked first: rows that do not fit need not be looked at again.
      const to = positionOf(end.get());
      for (let rows = after.all(seen, ...given, PAGE); rows.length > 0; rows = after.all(seen, ...given, PAGE)) {
        for (const row of rows) await show(eventOf(row));
        seen = positionOf(rows.at(-1));
      }
      seen = Math.max(seen, to);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (statSync(path, { throwIfNoEntry: false })?.ino !== file) {
        throw new Error(`the file ${path} is gone, or another one: start again to follow that`);
      }
    }
  } finally {
    db.close();
  }
}

/** @param {unknown} row */
const positionOf = (row) => /** @type {{ position: number }} */ (row).position;

/**
 * As sinks write them: without what is not known, JSON as what it means.
 * @param {unknown} row
 */
function eventOf(row) {
  const { position, ...columns } = /** @type {Record<string, unknown>} */ (row);
  const event = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== null));
  for (const name of ['properties', 'context']) {
    if (name in event) event[name] = JSON.parse(String(event[name]));
  }
  return event;
}
