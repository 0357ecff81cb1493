// The way to the collector under test: a door that can be made to misbehave, and behind it the real endpoint.

import { createMisbehavingCollector } from '../../dist/testing/index.js';

/**
 * @typedef {import('../../dist/testing/index.js').MisbehavingCollector} Door
 *
 * @typedef {object} EndpointOptions
 * @property {URL} endpoint
 * @property {string} [origin] which site the endpoint is told that the events come from; else the gauntlet's own
 * @property {[name: string, value: string][]} headers sent along
 *
 * @typedef {object} EndpointAnswer
 * @property {number} [status] absent: it could not be reached
 * @property {string} words what it said, shortened
 * @property {boolean} readable whether CORS lets a page read it
 *
 * @typedef {object} Endpoint
 * @property {Door} door
 * @property {string} address what the tracker is given
 * @property {EndpointAnswer[]} failures what the endpoint answered, of itself, that was not a success
 * @property {EndpointAnswer | undefined} last
 */

/** Longest the endpoint may take to answer, in milliseconds. The tracker gives up after 15 s. */
const TIMEOUT_MS = 30_000;

/** Said of one connection, not of the request that is passed on. */
const HOP = ['connection', 'keep-alive', 'host', 'content-length', 'transfer-encoding'];

/**
 * @param {EndpointOptions} options
 * @returns {Promise<Endpoint>}
 */
export async function openEndpoint({ endpoint, origin, headers: extra }) {
  /** @type {EndpointAnswer[]} */
  const failures = [];

  /** @param {Request} request */
  async function ask(request) {
    const { pathname, search } = new URL(request.url);
    const url = new URL(`${pathname}${search}`, endpoint);
    const headers = new Headers(request.headers);
    for (const name of HOP) headers.delete(name);
    const from = headers.get('origin');
    if (origin !== undefined && from !== null) headers.set('origin', origin);
    for (const [name, value] of extra) headers.set(name, value);
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
    let response;
    try {
      response = await fetch(url, {
        method: request.method,
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(hasBody && { body: await request.arrayBuffer() }),
      });
    } catch (error) {
      const { message, cause } = /** @type {Error & { cause?: { code?: string } }} */ (error);
      note({ words: cause?.code ?? message, readable: false });
      return new Response(null, { status: 502 });
    }
    const answer = new Headers(response.headers);
    // To the page, the origin that it was told to be from is its own.
    if (origin !== undefined && from !== null && answer.get('access-control-allow-origin') === origin) {
      answer.set('access-control-allow-origin', from);
    }
    const body = await response.arrayBuffer();
    if (request.method === 'POST') {
      const allowed = answer.get('access-control-allow-origin');
      note({
        status: response.status,
        words: new TextDecoder().decode(body).slice(0, 300),
        readable: allowed === '*' || allowed === from,
      });
    }
    const empty = [204, 205, 304].includes(response.status);
    return new Response(empty ? null : body, { status: response.status, headers: answer });
  }

  /** @param {EndpointAnswer} answer */
  function note(answer) {
    opened.last = answer;
    const { status, readable } = answer;
    if (status === undefined || status < 200 || status > 299 || !readable) failures.push(answer);
  }

  const door = await createMisbehavingCollector({ collector: ask, rows: () => [] });
  /** @type {Endpoint} */
  const opened = { door, address: `${door.origin}${endpoint.pathname}${endpoint.search}`, failures, last: undefined };
  return opened;
}

/**
 * @param {EndpointAnswer} answer
 * @returns {string} it in a line
 */
export function tellAnswer({ status, words, readable }) {
  if (status === undefined) return `cannot be reached (${words})`;
  const said = words.trim() === '' ? '' : `: ${words.replaceAll(/\s+/g, ' ').trim()}`;
  const cors = readable ? '' : ', without an Access-Control-Allow-Origin that lets the page read it';
  return `answers ${status}${cors}${said}`;
}
