/**
 * `petrel/server/node`: puts a handler of the Fetch API on node:http. The only file that imports Node.
 * @packageDocumentation
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PetrelError } from '../core/errors.js';
import { checkNumber, show } from '../core/options.js';
import { answerRefusal, Refusal, refusalOf } from './refusal.js';
import type { ClientInfo } from './request-record.js';

/** Anything that answers requests: a collector, or a function that passes some of them on to one, with who sent them. */
export type Handler = (request: Request, client: ClientInfo) => Response | Promise<Response>;

/** Options of {@link toNodeListener}. */
export interface NodeListenerOptions {
  /**
   * Longest time a body may take to arrive, in milliseconds (100 to 3 600 000). Then 408, and the connection is closed: a sender
   * that trickles must not hold memory.
   * @defaultValue 20000
   */
  bodyTimeoutMs?: number;
  /** Told of exceptions of the handler, which are answered with 500. Must not throw. */
  onError?: (error: unknown) => void;
}

/** How long, and how much, is read and thrown away of a body that was answered before its end. */
const LINGER_MS = 10_000;
const LINGER_BYTES = 16_777_216;
const LINGER_CHECK_MS = 100;

/**
 * A listener for `http.createServer` that answers with `handler`. Bodies are streamed to the handler as it reads them, answers
 * streamed back. Never throws: what the handler throws is answered with 500, and a client that goes away aborts `request.signal`.
 *
 * On a server of one's own, set `headersTimeout` and `requestTimeout` too; {@link serve} does.
 *
 * @throws PetrelError `invalid-option`
 */
export function toNodeListener(
  handler: Handler,
  options: NodeListenerOptions = {},
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const { bodyTimeoutMs = 20_000, onError = () => {} } = options;
  if (typeof handler !== 'function') throw new PetrelError('invalid-option', `the handler must be a function`);
  checkNumber('bodyTimeoutMs', bodyTimeoutMs, { min: 100, max: 3_600_000 });

  return (incoming, outgoing) => {
    // Without listeners, a connection that breaks would end the process.
    incoming.on('error', () => {});
    outgoing.on('error', () => {});
    void respond(incoming, outgoing);
  };

  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController();
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) gone.abort();
    });
    const refuse = (error: unknown) => {
      const refusal = refusalOf(error);
      if (refusal.error === 'internal' && !gone.signal.aborted) onError(error);
      return answerRefusal(refusal);
    };
    try {
      const { remoteAddress } = incoming.socket;
      const client: ClientInfo = remoteAddress === undefined ? {} : { address: remoteAddress };
      const response = await handler(toRequest(incoming, bodyTimeoutMs, gone.signal), client);
      if (!(response instanceof Response)) throw new TypeError('the handler returned no Response');
      await send(response, incoming, outgoing);
    } catch (error) {
      const refusal = refuse(error);
      // When the status is on its way already, all that can be said is that the answer is not whole.
      if (outgoing.headersSent) outgoing.destroy();
      else await send(refusal, incoming, outgoing).catch(() => outgoing.destroy());
    }
  }
}

/** @throws {@link Refusal} for a request that the Fetch API cannot express. */
function toRequest(incoming: IncomingMessage, bodyTimeoutMs: number, signal: AbortSignal): Request {
  const { method = 'GET', rawHeaders } = incoming;
  try {
    const headers = new Headers();
    for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
    const url = urlOf(incoming.url ?? '/', headers.get('host') ?? '');
    if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal });
    return new Request(url, {
      method,
      headers,
      signal,
      body: bodyOf(incoming, bodyTimeoutMs),
      duplex: 'half',
    } as RequestInit);
  } catch (cause) {
    throw new Refusal('invalid-message', 'the request cannot be understood', { cause });
  }
}

/** The URL from target and host, whatever nonsense they are: it decides the path, nothing else. */
function urlOf(target: string, host: string): URL {
  const url = new URL(URL.canParse(`http://${host}/`) ? `http://${host}/` : 'http://localhost/');
  // Put in by parts: as a reference, `//elsewhere/` would be another host. Proxies may send the whole URL (RFC 9112 §3.2.2).
  const [, path = '/', query = ''] = /^(?:https?:\/\/[^/?]*)?([^?]*)(.*)$/i.exec(target) ?? [];
  url.pathname = path;
  url.search = query;
  return url;
}

/** The body as a stream that takes from the socket only what its reader asks for. */
function bodyOf(incoming: IncomingMessage, timeoutMs: number): ReadableStream<Uint8Array> {
  let ended = false;
  let timer: NodeJS.Timeout;
  const end = (finish: () => void) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    finish();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        timer = setTimeout(
          () => end(() => controller.error(new Refusal('timeout', `the body took longer than ${timeoutMs} ms`))),
          timeoutMs,
        );
        incoming.on('data', (chunk: Buffer) => {
          if (ended) return;
          controller.enqueue(chunk);
          incoming.pause();
        });
        incoming.pause();
        incoming.once('end', () => end(() => controller.close()));
        // Always comes, after `end` or instead of it.
        incoming.once('close', () => end(() => controller.error(new Error('the connection was closed'))));
      },
      pull() {
        incoming.resume();
      },
      cancel() {
        end(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}

async function send(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) {
    await response.body?.cancel();
    return;
  }
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  if (!incoming.complete) outgoing.once('finish', () => linger(incoming));
  outgoing.writeHead(response.status);
  if (response.body) {
    // A stream (server-sent events) may have nothing to say for long; the client should know that it is open.
    if (!response.headers.has('content-length')) outgoing.flushHeaders();
    const reader = response.body.getReader();
    outgoing.once('close', () => void reader.cancel().catch(() => {}));
    for (;;) {
      const { done, value } = await reader.read();
      if (done || outgoing.destroyed) break;
      if (!outgoing.write(value))
        await new Promise((resolve) => outgoing.once('drain', resolve).once('close', resolve));
    }
  }
  outgoing.end();
}

/**
 * Reads the rest of a body away after its answer, for a while, and not too much. Closing at once would reset the connection, and
 * the sender would see a network error in place of the 413 that says why (RFC 9112 §9.6).
 */
function linger(incoming: IncomingMessage): void {
  const { socket } = incoming;
  const from = socket.bytesRead;
  const until = Date.now() + LINGER_MS;
  const timer = setInterval(() => {
    if (socket.bytesRead - from > LINGER_BYTES || Date.now() >= until) socket.destroy();
  }, LINGER_CHECK_MS);
  incoming.once('close', () => clearInterval(timer));
  incoming.removeAllListeners('data');
  incoming.resume();
}

/** Options of {@link serve}. */
export interface ServeOptions extends NodeListenerOptions {
  /**
   * Port to listen on (0 to 65 535); 0 takes a free one.
   * @defaultValue 0
   */
  port?: number;
  /**
   * Address to listen on.
   * @defaultValue 'localhost'
   */
  host?: string;
  /**
   * Longest time the headers of a request may take to arrive, in milliseconds (100 to 3 600 000). Then 408.
   * @defaultValue 10000
   */
  headersTimeoutMs?: number;
  /**
   * How long an idle connection is kept for the next request, in milliseconds (0 to 3 600 000). Behind a load balancer, longer
   * than the balancer keeps its side.
   * @defaultValue 65000
   */
  keepAliveTimeoutMs?: number;
  /**
   * Most connections at a time (1 to 1 000 000); further ones are closed at once.
   * @defaultValue 10000
   */
  maxConnections?: number;
  /**
   * How long `close()` lets requests under way finish, in milliseconds (0 to 600 000); then their connections are cut.
   * @defaultValue 10000
   */
  closeTimeoutMs?: number;
}

/** A server that listens. */
export interface Serving {
  /** `http://host:port` */
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Takes no further connections; resolves when the requests under way are answered. The handler is not closed. */
  close(): Promise<void>;
}

/**
 * What {@link serve} checks first, for whoever wants to know before anything is opened. Gives the options complete.
 *
 * @throws PetrelError `invalid-option`
 */
export function checkServeOptions(options: ServeOptions) {
  const { port = 0, host = 'localhost', headersTimeoutMs = 10_000, bodyTimeoutMs = 20_000 } = options;
  const { keepAliveTimeoutMs = 65_000, maxConnections = 10_000, closeTimeoutMs = 10_000, onError } = options;
  checkNumber('port', port, { min: 0, max: 65_535 });
  if (typeof host !== 'string' || host === '') {
    throw new PetrelError('invalid-option', `\`host\` must be a name or an address, not ${show(host)}`);
  }
  checkNumber('headersTimeoutMs', headersTimeoutMs, { min: 100, max: 3_600_000 });
  checkNumber('bodyTimeoutMs', bodyTimeoutMs, { min: 100, max: 3_600_000 });
  checkNumber('keepAliveTimeoutMs', keepAliveTimeoutMs, { min: 0, max: 3_600_000 });
  checkNumber('maxConnections', maxConnections, { min: 1, max: 1_000_000 });
  checkNumber('closeTimeoutMs', closeTimeoutMs, { min: 0, max: 600_000 });
  const times = { headersTimeoutMs, bodyTimeoutMs, keepAliveTimeoutMs, closeTimeoutMs };
  return { port, host, maxConnections, ...times, ...(onError && { onError }) };
}

/**
 * Listens, and answers with `handler`, with the limits a public server needs.
 *
 * @throws PetrelError `invalid-option`, also when the port is taken or not allowed.
 */
export async function serve(handler: Handler, options: ServeOptions = {}): Promise<Serving> {
  const { port, host, headersTimeoutMs, keepAliveTimeoutMs, maxConnections, closeTimeoutMs, ...rest } =
    checkServeOptions(options);
  const listener = toNodeListener(handler, rest);

  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      // The body has its own limit in the listener; this one is for senders that the handler does not wait for.
      requestTimeout: headersTimeoutMs + rest.bodyTimeoutMs + 1_000,
      keepAliveTimeout: keepAliveTimeoutMs,
      // How often the two are looked at. Node's default of 30 s makes short ones pointless.
      connectionsCheckingInterval: Math.min(1_000, headersTimeoutMs),
    },
    listener,
  );
  server.maxConnections = maxConnections;
  server.on('clientError', answerClientError);
  const underway = new Set<ServerResponse>();
  server.on('request', (_, outgoing) => {
    underway.add(outgoing);
    outgoing.once('close', () => underway.delete(outgoing));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  // After this point an error of the server (out of file descriptors on accept) is about one connection.
  server.on('error', (error) => rest.onError?.(error));

  const actual = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    port: actual,
    server,
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
        // Else each would be kept for a next request that nobody takes, and closing would take as long.
        for (const outgoing of underway) if (!outgoing.headersSent) outgoing.setHeader('connection', 'close');
      }),
  };
}

/** How long a client that does not speak HTTP may keep its connection to read that. */
const CLIENT_ERROR_LINGER_MS = 1_000;

/** What is no HTTP at all gets an answer in JSON too, where there is still somebody to read it. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // As Node's own handler: nothing may be written into an answer that is under way.
  const { _httpMessage: under } = socket as { _httpMessage?: ServerResponse };
  if (error.code === 'ECONNRESET' || !socket.writable || under?.headersSent) {
    socket.destroy();
    return;
  }
  const [status, word, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'too-large', 'the headers are too large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'timeout', 'the request came too slowly']
        : ['400 Bad Request', 'invalid-message', 'this is not HTTP'];
  const body = JSON.stringify({ error: word, message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), CLIENT_ERROR_LINGER_MS).unref();
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new PetrelError(
      'invalid-option',
      `\`port\` ${port} on ${host} is taken by another process; stop that one, or choose another port (0 takes a free one)`,
      { cause: error },
    );
  }
  if (error.code === 'EACCES') {
    return new PetrelError('invalid-option', `\`port\` ${port} may not be used by this user; choose one above 1023`, {
      cause: error,
    });
  }
  return new PetrelError('invalid-option', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error });
}
