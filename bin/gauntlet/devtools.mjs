// The DevTools protocol over a pipe: the gauntlet drives a browser without any package to do it with.

/** Longest a command may take, in milliseconds: one to a page that is going away is sometimes never answered. */
const COMMAND_TIMEOUT_MS = 30_000;

/**
 * @typedef {{ [member: string]: any }} Params
 *
 * @typedef {object} DevTools
 * @property {(method: string, params?: Params, sessionId?: string) => Promise<Params>} send
 * @property {(method: string, listener: (params: Params, sessionId?: string) => void) => () => void} on the function it returns ends it
 * @property {(method: string, matches?: (params: Params) => boolean, withinMs?: number) => Promise<Params>} once
 */

/**
 * @param {import('node:stream').Writable} to descriptor 3 of a browser that was started with `--remote-debugging-pipe`
 * @param {import('node:stream').Readable} from descriptor 4
 * @returns {DevTools}
 */
export function connectDevTools(to, from) {
  /** @type {Map<number, { done(result: Params): void, failed(error: Error): void }>} */
  const pending = new Map();
  /** @type {Set<{ method: string, listener: (params: Params, sessionId?: string) => void }>} */
  const listeners = new Set();
  let id = 0;
  let gone = false;

  const end = () => {
    gone = true;
    for (const { failed } of [...pending.values()]) failed(new Error('the browser is gone'));
  };
  // A browser that is killed breaks the pipe; its end says what matters.
  to.on('error', end);
  from.on('error', end);
  from.on('close', end);

  // Messages are JSON, each ended by a zero byte.
  let rest = '';
  from.setEncoding('utf8');
  from.on('data', (chunk) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) take(JSON.parse(message));
  });

  /** @param {Params} message */
  function take({ id, method, params, result, error, sessionId }) {
    if (id === undefined) {
      for (const each of [...listeners]) if (each.method === method) each.listener(params, sessionId);
    } else if (error) pending.get(id)?.failed(new Error(error.message));
    else pending.get(id)?.done(result);
  }

  /** @type {DevTools['send']} */
  function send(method, params = {}, sessionId) {
    return new Promise((resolve, reject) => {
      if (gone) return reject(new Error('the browser is gone'));
      const number = ++id;
      const timer = setTimeout(() => settle(reject, new Error(`no answer to ${method}`)), COMMAND_TIMEOUT_MS);
      /** @template T @param {(value: T) => void} how @param {T} value */
      const settle = (how, value) => {
        clearTimeout(timer);
        pending.delete(number);
        how(value);
      };
      pending.set(number, {
        done: (result) => settle(resolve, result),
        failed: (error) => settle(reject, error),
      });
      to.write(`${JSON.stringify({ id: number, method, params, ...(sessionId && { sessionId }) })}\0`);
    });
  }

  /** @type {DevTools['on']} */
  function on(method, listener) {
    const entry = { method, listener };
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** @type {DevTools['once']} */
  function once(method, matches = () => true, withinMs = COMMAND_TIMEOUT_MS) {
    return new Promise((found, failed) => {
      const timer = setTimeout(() => {
        off();
        failed(new Error(`no ${method} within ${withinMs} ms`));
      }, withinMs);
      const off = on(method, (params) => {
        if (!matches(params)) return;
        clearTimeout(timer);
        off();
        found(params);
      });
    });
  }

  return { send, on, once };
}
