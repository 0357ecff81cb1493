/**
 * The collector's database, read only and through a connection of its own. docs/collector.md has the columns.
 */
import Database from 'libsql';

/**
 * @typedef {import('./feed.mjs').LiveRow} LiveRow
 * @typedef {import('./feed.mjs').LiveSource} LiveSource
 * @typedef {{ ranges: [first: number, last: number][], rows: number, lastAt: number }} Known
 */

/** The time of tracking is the collector's (`corrected_at`): a phone's clock may be minutes off. */
const ROW = 'position, id, source, seq, name, category, corrected_at, received_at, batch_id, properties, context';

/** How many of the newest rows are searched for sources at the start, and how many sources are kept in mind. */
const SEARCHED_ROWS = 5_000;
const KEPT_SOURCES = 200;

/**
 * @param {string} path
 * @returns {import('./feed.mjs').Archive}
 */
export function createArchive(path) {
  const db = new Database(path, { readonly: true });
  // libsql does not keep to `readonly` (0.5.29). The collector writes at the same time: wait for it instead of failing.
  db.exec('PRAGMA query_only = 1');
  db.exec('PRAGMA busy_timeout = 1000');
  const count = db.prepare('SELECT count(*) AS rows FROM events');
  const newest = db.prepare(`SELECT ${ROW} FROM events ORDER BY position DESC LIMIT ?`);
  const after = db.prepare(`SELECT ${ROW} FROM events WHERE position > ? ORDER BY position LIMIT ?`);
  const before = db.prepare(`SELECT ${ROW} FROM events WHERE position < ? ORDER BY position DESC LIMIT ?`);
  const lastPosition = db.prepare('SELECT coalesce(max(position), 0) AS position FROM events');
  const numbers = db.prepare(
    'SELECT position, source, seq, received_at FROM events WHERE position > ? AND position <= ? ORDER BY position',
  );
  // An id is `source.seq`, and `/` is the character after the dot: so the index of ids finds all of a source.
  const numbersOf = db.prepare(
    "SELECT seq, received_at FROM events WHERE id > ? || '.' AND id < ? || '/' AND position <= ? ORDER BY seq",
  );
  const dropsOf = db.prepare('SELECT first, last, reason FROM drops WHERE source = ? ORDER BY first');

  /** Latest last. @type {Map<string, Known>} */
  const sources = new Map();
  let read = Math.max(0, at(lastPosition.get()) - SEARCHED_ROWS);

  /** @param {any} row */
  function at(row) {
    return Number(row.position);
  }

  /** Brings `sources` up to the newest row. */
  function readSources() {
    const end = at(lastPosition.get());
    for (const { source, seq, received_at } of /** @type {any[]} */ (numbers.all(read, end))) {
      const known = sources.get(source) ?? { ranges: [], rows: 0, lastAt: 0 };
      sources.delete(source);
      sources.set(source, known);
      if (known.rows === 0) {
        for (const row of /** @type {any[]} */ (numbersOf.all(source, source, end)))
          add(known, row.seq, row.received_at);
      } else add(known, seq, received_at);
    }
    read = end;
    for (const source of sources.keys()) {
      if (sources.size <= KEPT_SOURCES) break;
      sources.delete(source);
    }
  }

  return {
    total: () => /** @type {any} */ (count.get()).rows,
    newest: (limit) => newest.all(limit).map(rowOf),
    after: (order, limit) => after.all(order, limit).map(rowOf),
    before: (order, limit) => before.all(order, limit).map(rowOf),
    sources(limit) {
      readSources();
      return [...sources]
        .slice(-limit)
        .reverse()
        .map(([source, { ranges, rows, lastAt }]) => {
          const dropped = /** @type {LiveSource['dropped']} */ (dropsOf.all(source));
          const last = Math.max(ranges.at(-1)?.[1] ?? 0, ...dropped.map((drop) => drop.last));
          return { source, last, rows, lastAt, missing: holes(ranges, dropped, last), dropped };
        });
    },
    close: () => db.close(),
  };
}

/** @param {any} row @returns {LiveRow} */
function rowOf(row) {
  const page = pathOf(row.context);
  return {
    order: row.position,
    id: row.id,
    source: row.source,
    seq: row.seq,
    name: row.name,
    category: row.category,
    at: row.corrected_at,
    receivedAt: row.received_at,
    ...(page !== undefined && { page }),
    properties: JSON.parse(row.properties),
    // A leaving page sends without a batch; the queue never does.
    form: row.batch_id === null ? 'rows' : 'columns',
    ...(row.batch_id !== null && { batchId: row.batch_id }),
  };
}

/** @param {string | null} context */
function pathOf(context) {
  const url = context && JSON.parse(context).url;
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).pathname : undefined;
}

/**
 * Adds a number to ascending ranges. Numbers come nearly in order, so the search starts at the end.
 * @param {Known} known @param {number} seq @param {number} receivedAt
 */
function add(known, seq, receivedAt) {
  const { ranges } = known;
  let i = ranges.length;
  while (i > 0 && /** @type {[number, number]} */ (ranges[i - 1])[0] > seq) i--;
  const left = ranges[i - 1];
  const right = ranges[i];
  if (left && seq <= left[1]) return;
  known.rows++;
  known.lastAt = Math.max(known.lastAt, receivedAt);
  const joinsLeft = left?.[1] === seq - 1;
  const joinsRight = right?.[0] === seq + 1;
  if (joinsLeft && joinsRight) ranges.splice(i - 1, 2, [left[0], right[1]]);
  else if (joinsLeft) left[1] = seq;
  else if (joinsRight) right[0] = seq;
  else ranges.splice(i, 0, [seq, seq]);
}

/**
 * What lies between: numbers from 1 to `last` that are neither in the table nor known to be dropped.
 * @param {[number, number][]} ranges @param {LiveSource['dropped']} dropped @param {number} last
 * @returns {[number, number][]}
 */
function holes(ranges, dropped, last) {
  const accounted = [...ranges, ...dropped.map(({ first, last }) => /** @type {const} */ ([first, last]))];
  accounted.sort((a, b) => a[0] - b[0]);
  /** @type {[number, number][]} */
  const missing = [];
  let next = 1;
  for (const [from, to] of accounted) {
    if (from > next) missing.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= last) missing.push([next, last]);
  return missing;
}
