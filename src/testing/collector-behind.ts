import type { IncomingMessage } from 'node:http';
import { PetrelError } from '../core/errors.js';
import { show } from '../core/options.js';
import type { RowsBody } from '../core/wire.js';

/** A collector as a function, as `createCollector` of `petrel/server` makes it. */
export type CollectorHandler = (request: Request) => Response | Promise<Response>;

/** How long the collector's whole answer may take before a request counts as failed, in milliseconds. */
const UPSTREAM_TIMEOUT_MS = 30_000;

/** @throws PetrelError `invalid-option` */
export function collectorOf(collector: CollectorHandler | string | URL): CollectorHandler {
  if (typeof collector === 'function') return collector;
  if (!URL.canParse(String(collector))) {
    throw new PetrelError('invalid-option', `\`collector\` must be a function or a URL, not ${show(collector)}`);
  }
  return (request) => {
    const url = new URL(collector);
    url.search = new URL(request.url).search;
    return fetch(new Request(url, request), {
      redirect: 'manual',
      signal: AbortSignal.timeout(UPSTREAM_TIMEOUT_MS),
    });
  };
}

/** The request as the collector gets it. A body that is an object was changed on the way: plain JSON, whatever it was before. */
export function requestOf(req: IncomingMessage, body: Buffer<ArrayBuffer> | RowsBody): Request {
  const url = new URL(req.url ?? '/', `http://${req.headers.host ?? 'localhost'}`);
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    // Said of this connection, not of the request.
    if (['connection', 'host', 'content-length', 'transfer-encoding', 'expect'].includes(name)) continue;
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  const changed = !(body instanceof Uint8Array);
  if (changed) {
    url.searchParams.delete('enc');
    headers.delete('content-encoding');
  }
  const method = req.method ?? 'GET';
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers });
  return new Request(url, { method, headers, body: changed ? JSON.stringify(body) : body });
}
