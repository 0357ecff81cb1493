/**
 * What the live page shows: rows from the database, in the order of their arrival, and what happened on the wire.
 *
 * The rows are read from the database file itself, through a connection of its own: what is seen here is what survives.
 */

/**
 * @typedef {object} LiveRow
 * @property {number} order Position in the order of arrival.
 * @property {string} id
 * @property {string} source
 * @property {number} seq
 * @property {string} name
 * @property {string} category
 * @property {number} at Client time of `track()`, in ms since the epoch.
 * @property {number} receivedAt Collector's time, in ms since the epoch.
 * @property {string} [page] Path of the page.
 * @property {Record<string, unknown>} properties
 * @property {'rows' | 'columns'} form How it was sent: by the leaving page itself, or by the queue.
 * @property {string} [batchId]
 * @property {number} [attempt]
 */

/**
 * @typedef {object} LiveSource Which numbers of one page load are in the table.
 * @property {string} source
 * @property {number} last Highest number.
 * @property {number} rows
 * @property {number} lastAt When its last row arrived.
 * @property {[first: number, last: number][]} missing Numbers below the highest that are neither in the table nor known to be dropped.
 * @property {{ first: number, last: number, reason: string }[]} dropped What the page said it had to drop.
 */

/**
 * @typedef {object} Archive The database, read only. `order` is opaque here: it only grows.
 * @property {() => number} total
 * @property {(limit: number) => LiveRow[]} newest Newest first.
 * @property {(order: number, limit: number) => LiveRow[]} after Oldest first.
 * @property {(order: number, limit: number) => LiveRow[]} before Newest first.
 * @property {(limit: number) => LiveSource[]} sources Latest first.
 * @property {() => void} close
 */

/** How often database and wire are looked at, in ms: faster than one can see a delay, slow enough to cost nothing. */
const POLL_MS = 200;
/** Rows in one message to the page. */
const CHUNK = 500;
const SNAPSHOT_ROWS = 60;
const OLDER_ROWS = 200;
/** The chart's reach into the past, and its lines at most. */
const CHART_MS = 90_000;
const CHART_ROWS = 600;
const SHOWN_SOURCES = 12;
/** Batches whose attempts are remembered; older rows are shown without. */
const REMEMBERED_BATCHES = 5_000;
/** Requests in the chart, and the length of the testing collector's own record at which it is emptied. */
const CHART_REQUESTS = 300;
const RECORD_LIMIT = 2_000;

/**
 * @param {object} feed
 * @param {Archive} feed.archive
 * @param {import('./faults.mjs').Collector} feed.collector
 * @param {() => unknown} feed.fault What the collector is made to do at the moment.
 * @param {{ database: string, collector: string }} feed.names
 */
export function createFeed({ archive, collector, fault, names }) {
  const startedAt = Date.now();
  /** @type {Set<(event: string, data: unknown) => void>} */
  const listeners = new Set();
  /** Batch id → the attempt that was stored. @type {Map<string, number>} */
  const attempts = new Map();
  /** @type {{ at: number, ok: boolean }[]} */
  let requests = [];
  const wire = { received: 0, duplicates: 0, requestCount: 0, failed: 0, bytes: 0, lastRequestAt: 0 };
  let order = archive.newest(1)[0]?.order ?? 0;
  let told = '';

  /** @param {import('../../src/testing/index.js').RecordedRequest} request */
  function note(request) {
    if (request.method !== 'POST') return;
    const ok = request.status !== undefined && request.status < 300 && !request.aborted;
    wire.requestCount++;
    wire.lastRequestAt = request.at;
    if (!ok) wire.failed++;
    requests.push({ at: request.at, ok });
    if (requests.length > CHART_REQUESTS) requests = requests.slice(-CHART_REQUESTS);
    if (!request.stored) return;
    wire.received += request.ids.length;
    wire.bytes += request.bytes;
    wire.duplicates += request.duplicates ?? 0;
    // The first attempt that was stored made the rows; later ones were refused as duplicates.
    if (request.batchId === undefined || attempts.has(request.batchId)) return;
    attempts.set(request.batchId, request.attempt ?? 1);
    for (const id of attempts.keys()) {
      if (attempts.size <= REMEMBERED_BATCHES) break;
      attempts.delete(id);
    }
  }

  /** Takes the ended requests out of the record, in order; one that is still under way holds the others back. */
  let noted = 0;
  function readRecord() {
    while (collector.requests[noted]?.endedAt !== undefined) {
      const request = collector.requests[noted++];
      if (request) note(request);
    }
    if (noted > RECORD_LIMIT && noted === collector.requests.length) {
      collector.forget();
      noted = 0;
    }
  }

  /** @param {LiveRow[]} rows */
  const withAttempts = (rows) =>
    rows.map((row) => {
      const attempt = row.batchId === undefined ? undefined : attempts.get(row.batchId);
      return attempt === undefined ? row : { ...row, attempt };
    });

  function status() {
    return {
      ...wire,
      ...names,
      unique: archive.total(),
      fault: fault(),
      requests,
      sources: archive.sources(SHOWN_SOURCES),
    };
  }

  function poll() {
    readRecord();
    if (listeners.size === 0) {
      order = Number.NaN;
      return;
    }
    let changed = false;
    for (;;) {
      const rows = archive.after(order, CHUNK);
      if (rows.length === 0) break;
      order = rows.at(-1)?.order ?? order;
      changed = true;
      tell('rows', { rows: withAttempts(rows) });
      if (rows.length < CHUNK) break;
    }
    // The sources are the dear part of the status: asked for only when something happened.
    const mark = JSON.stringify([wire.requestCount, fault()]);
    if (changed || mark !== told) {
      told = mark;
      tell('status', { now: Date.now(), status: status() });
    }
  }

  /** @param {string} event @param {unknown} data */
  function tell(event, data) {
    for (const listener of listeners) listener(event, data);
  }

  let lastTrouble = '';
  const timer = setInterval(() => {
    try {
      poll();
      lastTrouble = '';
    } catch (error) {
      // A database that is locked or broken for a while is no reason to stop; it is one to say so, once.
      const trouble = String(error);
      if (trouble !== lastTrouble) console.error(`The database cannot be read: ${trouble}`);
      lastTrouble = trouble;
    }
  }, POLL_MS);

  return {
    /**
     * Tells everything there is, then all that happens.
     * @param {(event: string, data: unknown) => void} listener
     * @returns {() => void} ends it
     */
    follow(listener) {
      readRecord();
      const now = Date.now();
      const latest = archive.newest(CHART_ROWS);
      const rows = latest.slice(0, SNAPSHOT_ROWS);
      const lines = latest
        .filter(({ receivedAt }) => receivedAt > now - CHART_MS)
        .map(({ at, receivedAt }) => ({ at, receivedAt }));
      listener('snapshot', { now, startedAt, rows: withAttempts(rows), lines, status: status() });
      // Nobody was listening, so nobody missed what lies between.
      if (listeners.size === 0) order = rows[0]?.order ?? 0;
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** @param {number} before */
    older: (before) => withAttempts(archive.before(before, OLDER_ROWS)),

    /** Looks now instead of at the next turn. */
    poll,

    close() {
      clearInterval(timer);
      listeners.clear();
      archive.close();
    },
  };
}
