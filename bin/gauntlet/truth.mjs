// What is really there: read from the store itself, by whatever way its owner gives, and not from what the collector says.

import { spawn } from 'node:child_process';
import { openRemoteLedger } from '../../dist/server/index.js';

/**
 * @typedef {import('../../dist/testing/index.js').RecordedRequest} RecordedRequest
 *
 * @typedef {object} Truth
 * @property {string} from in words
 * @property {boolean} showsDoubles whether an event that was stored twice would show
 * @property {(requests: readonly RecordedRequest[]) => Promise<Map<string, number>>} read how often each of the run's events is
 *   there, by name. Rejects when it cannot be read.
 */

/** Longest one reading may take, in milliseconds, and most of its output that is read, in characters. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 256 * 1024 * 1024;

/**
 * Any text in which each row names its event once: lines, CSV, JSON.
 *
 * @param {string} rows a URL, or a command for the shell; `{run}` becomes the run's prefix, which all its event names have
 * @param {string} run
 * @returns {Truth}
 */
export function truthOfRows(rows, run) {
  const from = rows.replaceAll('{run}', run);
  const isUrl = /^https?:\/\//i.test(from);
  const name = new RegExp(`${run}-\\d+-\\d+`, 'g');
  return {
    from: isUrl ? new URL(from).origin : `\`${from.length > 60 ? `${from.slice(0, 60)}…` : from}\``,
    showsDoubles: true,
    read: async () => {
      const text = isUrl ? await get(from) : await output(from, run);
      /** @type {Map<string, number>} */
      const counts = new Map();
      for (const [found] of text.matchAll(name)) counts.set(found, (counts.get(found) ?? 0) + 1);
      return counts;
    },
  };
}

/**
 * A Petrel collector's ledger: which numbers of which source its sink has committed.
 *
 * @param {URL} endpoint
 * @param {string} token
 * @returns {Truth}
 */
export function truthOfLedger(endpoint, token) {
  return {
    from: 'the collector’s ledger',
    // One number is in it once; an event that was sent under two would still show, as two ids of one name.
    showsDoubles: false,
    read: async (requests) => {
      const ledger = await openRemoteLedger(new URL(endpoint.pathname, endpoint).href, token);
      /** @type {Map<string, Set<string>>} */
      const names = new Map();
      for (const { ids, names: carried } of requests) {
        for (const [i, id] of ids.entries()) {
          const name = carried[i] ?? '';
          names.set(name, (names.get(name) ?? new Set()).add(id));
        }
      }
      const sources = new Set(
        [...names.values()].flatMap((ids) => [...ids].map((id) => id.slice(0, id.lastIndexOf('.')))),
      );
      const delivered = new Map();
      for (const source of sources) delivered.set(source, (await ledger.source(source))?.delivered ?? []);
      /** @param {string} id */
      const isThere = (id) => {
        const dot = id.lastIndexOf('.');
        const seq = Number(id.slice(dot + 1));
        return delivered.get(id.slice(0, dot)).some((/** @type {[number, number]} */ [a, b]) => a <= seq && seq <= b);
      };
      return new Map([...names].map(([name, ids]) => [name, [...ids].filter(isThere).length]));
    },
  };
}

/** @param {string} url */
async function get(url) {
  let response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new Error(`${new URL(url).origin} cannot be reached`, { cause });
  }
  if (!response.ok) throw new Error(`${new URL(url).origin} answers ${response.status}`);
  return response.text();
}

/**
 * @param {string} command
 * @param {string} run
 * @returns {Promise<string>}
 */
function output(command, run) {
  return new Promise((done, failed) => {
    const child = spawn(command, {
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      env: { ...process.env, PETREL_RUN: run },
    });
    let [out, said] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      if (out.length > MAX_OUTPUT) child.kill();
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said = `${said}${text}`.slice(-1_000);
    });
    child.once('error', failed);
    child.once('close', (code, signal) => {
      if (code === 0) return done(out);
      failed(new Error(`the command ended with ${code ?? signal}: ${said.trim() || 'it said nothing'}`));
    });
  });
}
