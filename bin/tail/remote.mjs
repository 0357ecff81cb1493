// Follows a running collector.

/** How long until a lost connection is tried again, in ms. */
const RETRY_MS = 1_000;

/**
 * @param {string} address of the collector
 * @param {string} token
 * @param {{ filter: import('./command.mjs').Filter, show: (event: import('./command.mjs').Event) => Promise<unknown> }} options
 * @returns {Promise<never>}
 * @throws Error when the first connection cannot be made, or the collector says no
 */
export async function followUrl(address, token, { filter, show }) {
  const url = new URL('tail', address.endsWith('/') ? address : `${address}/`);
  for (const [name, value] of Object.entries(filter)) url.searchParams.set(name, value);
  for (let isFirst = true; ; isFirst = false) {
    try {
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      if (!response.ok || !response.body) {
        const why = await refusalOf(url, response);
        throw response.status < 500 ? new Refused(why) : new Error(why);
      }
      for await (const line of linesOf(response.body)) {
        if (line !== '') await show(JSON.parse(line));
      }
    } catch (error) {
      const { message, cause } = /** @type {Error} */ (error);
      const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
      if (error instanceof Refused || isFirst)
        throw new Error(`${url.origin} cannot be followed: ${why}`, { cause: error });
    }
    process.stderr.write('petrel: the connection is lost; trying again. What arrives meanwhile is not shown\n');
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** What trying again does not change. */
class Refused extends Error {}

/** @param {URL} url @param {Response} response */
async function refusalOf(url, response) {
  const { status } = response;
  const body = /** @type {{ message?: string } | undefined} */ (await response.json().catch(() => undefined));
  if (status === 404 || status === 405)
    return `nothing is to be followed at ${url.pathname} (is its \`tail\` token set?)`;
  return body?.message ?? `it answers ${status}`;
}

/** @param {ReadableStream<Uint8Array>} body */
async function* linesOf(body) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (body))) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
