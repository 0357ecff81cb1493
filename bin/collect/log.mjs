// The collector's log: a line of JSON for each thing, on stderr.

/** @typedef {'debug' | 'info' | 'warn' | 'error'} Level */
/** @typedef {Record<Level, (message: string, fields?: Record<string, unknown>) => void>} Log */

/** @type {readonly Level[]} */
export const LEVELS = ['debug', 'info', 'warn', 'error'];

/**
 * @param {Level} least what is less is not written
 * @param {{ write?: (line: string) => void, now?: () => number }} [world]
 * @returns {Log}
 */
export function createLog(least, { write = (line) => process.stderr.write(line), now = Date.now } = {}) {
  /** @param {Level} level */
  const at = (level) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return () => {};
    return (/** @type {string} */ message, /** @type {Record<string, unknown>} */ fields = {}) =>
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields })}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Most refused and failed requests that are logged in a second: a flood of them must not become one of lines. */
const MAX_PER_SECOND = 50;

/**
 * Logs requests: at `debug` those that succeeded, at `info` those refused, at `error` those that failed.
 *
 * @param {Log} log
 * @param {{ now?: () => number }} [world]
 * @returns {(record: import('../../dist/server/index.js').RequestRecord) => void}
 */
export function createRequestLog(log, { now = Date.now } = {}) {
  let second = 0;
  let logged = 0;
  return (record) => {
    const { status } = record;
    if (status < 400) return log.debug('request', { ...record });
    const current = Math.floor(now() / 1_000);
    if (current !== second) {
      if (logged > MAX_PER_SECOND) log.warn('requests that were not logged', { count: logged - MAX_PER_SECOND });
      second = current;
      logged = 0;
    }
    if (++logged <= MAX_PER_SECOND) log[status >= 500 ? 'error' : 'info']('request', { ...record });
  };
}

/**
 * What an error says, with what caused it.
 * @param {unknown} error
 */
export function tell(error) {
  /** @type {string[]} */
  const messages = [];
  for (let at = error; at !== undefined && messages.length < 5; at = at instanceof Error ? at.cause : undefined) {
    const message = at instanceof Error ? at.message : String(at);
    // A cause is often quoted by the one above it.
    if (!messages.some((told) => told.includes(message))) messages.push(message);
  }
  return messages.join(': ');
}
