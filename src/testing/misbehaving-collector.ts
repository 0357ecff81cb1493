import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../core/clock.js';
import { PetrelError } from '../core/errors.js';
import { checkNumber, show } from '../core/options.js';
import type { CollectorHandler } from './collector-behind.js';
import { collectorOf } from './collector-behind.js';
import type { DeliveryDiff, StoredRow } from './exactly-once.js';
import { diffDelivery, tellRequest } from './exactly-once.js';
import type { Fault, FaultHandle, FaultScope } from './faults.js';
import { createFaultScript, describeFault } from './faults.js';
import { meetFaults } from './meet-faults.js';
import type { RecordedRequest } from './request-record.js';
import { readAll, recordOf } from './request-record.js';

/** Options of {@link createMisbehavingCollector}. */
export interface MisbehavingCollectorOptions<Row extends StoredRow = StoredRow> {
  /**
   * The collector that does the real work: a handler, or the URL of one that is running (its path is kept, its query
   * is replaced by the request's).
   */
  collector: CollectorHandler | string | URL;
  /**
   * Reads what is stored. Read the database itself, through a connection of your own, not the collector's memory:
   * the answer to be had is what survives.
   */
  rows: () => readonly Row[] | Promise<readonly Row[]>;
  /**
   * Port to listen on, 0 to 65 535; 0 takes a free one.
   * @defaultValue 0
   */
  port?: number;
  /**
   * Address to listen on.
   * @defaultValue '127.0.0.1'
   */
  host?: string;
  /** Time for delays and `forMs`. Default: the system's. */
  clock?: Pick<Clock, 'now' | 'setTimeout'>;
}

/** How to compare, in {@link MisbehavingCollector.expectExactlyOnce}. */
export interface ExpectOptions {
  /**
   * What the expected strings are. `name` asks for names that are each used once, and finds an event stored under two ids.
   * @defaultValue 'id'
   */
  by?: 'id' | 'name';
  /**
   * How long to wait for the last of them, in milliseconds (0 to 600 000). The wait ends as soon as all are there.
   * @defaultValue 0
   */
  withinMs?: number;
}

/** A real collector behind a door that can be made to misbehave. See {@link createMisbehavingCollector}. */
export interface MisbehavingCollector<Row extends StoredRow = StoredRow> {
  /** `http://host:port`, the same for its whole life. */
  readonly origin: string;
  /** Every request since the start (or the last {@link forget}), in order of arrival, faults and all. */
  readonly requests: readonly RecordedRequest[];
  /** Most POST requests that were under way at the same time. */
  readonly mostAtOnce: number;
  /**
   * Puts a fault in force. Several may be: all delays that apply add up, and of the others the first given that applies decides.
   *
   * @throws PetrelError `invalid-option`
   */
  misbehave(fault: Fault, scope?: FaultScope): FaultHandle;
  /** Ends all faults. Requests that wait in a `silence` go on waiting. */
  behave(): void;
  /** Refuses connections from now on: the port is closed, open connections are cut. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
  /** What is in the database. */
  rows(): Promise<readonly Row[]>;
  /** How many rows there are of each event id. */
  countById(): Promise<Map<string, number>>;
  /** How many requests carried this event id or name. */
  timesOnWire(key: string): number;
  /** The next request that matches, from now on, once its body has been read and before it is answered. */
  arrival(match?: (request: RecordedRequest) => boolean, withinMs?: number): Promise<RecordedRequest>;
  /** The next request that matches, from now on, once it has ended: answered, cut, or left by the client. */
  end(match?: (request: RecordedRequest) => boolean, withinMs?: number): Promise<RecordedRequest>;
  /** Compares what should be stored with what is. */
  diff(expected: readonly string[], options?: Pick<ExpectOptions, 'by'>): Promise<DeliveryDiff>;
  /**
   * Waits until all of `expected` are stored, then holds if each of them is there exactly once.
   *
   * @throws Error with a list of what was lost and doubled, each with its way over the wire.
   */
  expectExactlyOnce(expected: readonly string[], options?: ExpectOptions): Promise<void>;
  /** The record as text, one request a line. */
  log(): string;
  /** Empties the record. The database and the faults stay. */
  forget(): void;
  /** Ends the server and all its connections. */
  close(): Promise<void>;
}

/** How long {@link MisbehavingCollector.arrival} and {@link MisbehavingCollector.end} wait by default, in milliseconds. */
const DEFAULT_WAIT_MS = 10_000;

/** How often the database is read while nothing arrives, in milliseconds: a collector may store after its answer. */
const POLL_MS = 200;

/**
 * A server in front of a real collector and its real database that misbehaves on request, and remembers everything:
 * statuses, `Retry-After` of every kind, lost, late and broken answers, refused connections, limits, poison.
 * What a page sent and what became of it can then be compared with what is in the database.
 *
 * Faults meet POST requests only; a preflight is answered by the collector.
 *
 * @example
 * ```ts
 * import { createMisbehavingCollector } from 'petrel/testing';
 *
 * const door = await createMisbehavingCollector({ collector, rows: () => database.prepare('SELECT id, name FROM events').all() });
 *
 * door.misbehave({ kind: 'status', status: 503, retryAfter: 2 }, { times: 3 });
 * door.misbehave({ kind: 'reset', stored: true }, { probability: 0.3, seed: 7, forMs: 20_000 });
 * // … a page that sends to `${door.origin}/v1/events` …
 * await door.expectExactlyOnce(ids, { withinMs: 30_000 });
 * ```
 *
 * @throws PetrelError `invalid-option`; rejects with the system's error when the port is taken.
 */
export async function createMisbehavingCollector<Row extends StoredRow = StoredRow>(
  options: MisbehavingCollectorOptions<Row>,
): Promise<MisbehavingCollector<Row>> {
  const clock = options.clock ?? { now: Date.now, setTimeout: (callback, ms) => setTimeout(callback, ms) };
  const host = options.host ?? '127.0.0.1';
  checkNumber('port', options.port ?? 0, { min: 0, max: 65_535 });
  if (typeof options.rows !== 'function') {
    throw new PetrelError('invalid-option', `\`rows\` must be a function, not ${show(options.rows)}`);
  }
  const ask = collectorOf(options.collector);

  const script = createFaultScript(() => clock.now());
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  const served = new WeakSet<Socket>();
  /** Connections that a fault ended, so that it does not look like the client's doing. */
  const cut = new WeakSet<Socket>();
  const watchers = new Set<(request: RecordedRequest, moment: 'arrived' | 'ended') => void>();
  let number = 0;
  let underWay = 0;
  let mostAtOnce = 0;
  let open = false;

  const server = createServer((req, res) => {
    // A handler that throws is the collector's bug or the proxy's; either way the client gets an answer and the test goes on.
    handle(req, res).catch((cause) => {
      if (!res.headersSent) res.writeHead(502, { 'content-type': 'text/plain' });
      res.end(`The collector failed: ${cause}`);
    });
  });
  // Node would answer a request that takes long by itself; here only faults do.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A reset that was asked for also ends in an error here.
    socket.on('error', () => socket.destroy());
  });

  await listen(options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const at = clock.now();
    const reused = served.has(req.socket);
    served.add(req.socket);
    if (req.method === 'POST') mostAtOnce = Math.max(mostAtOnce, ++underWay);
    const { bytes, complete } = await readAll(req);
    const request = recordOf(req, bytes, at, reused, ++number);
    requests.push(request);
    const ended = (): void => {
      if (request.endedAt !== undefined) return;
      request.endedAt = clock.now();
      request.aborted = !complete || (!res.writableFinished && !cut.has(req.socket) && open);
      if (req.method === 'POST') underWay--;
      tell(request, 'ended');
    };
    res.on('close', ended);
    if (!complete) return ended();
    tell(request, 'arrived');

    const faults = req.method === 'POST' ? script.pick(request) : [];
    request.faults = faults.map(describeFault);
    await meetFaults({ faults, request, bytes, req, res, ask, sleep, cut: () => cut.add(req.socket) });
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((done) => void clock.setTimeout(done, ms));
  }

  function tell(request: RecordedRequest, moment: 'arrived' | 'ended'): void {
    for (const watcher of [...watchers]) watcher(request, moment);
  }

  function next(
    moment: 'arrived' | 'ended',
    match: (request: RecordedRequest) => boolean,
    withinMs: number,
  ): Promise<RecordedRequest> {
    return new Promise((found, failed) => {
      const timer = setTimeout(() => {
        watchers.delete(watcher);
        failed(new Error(`No such request ${moment} within ${withinMs} ms.\n${log()}`));
      }, withinMs);
      const watcher = (request: RecordedRequest, now: 'arrived' | 'ended'): void => {
        if (now !== moment || !match(request)) return;
        clearTimeout(timer);
        watchers.delete(watcher);
        found(request);
      };
      watchers.add(watcher);
    });
  }

  function listen(on: number): Promise<void> {
    return new Promise((done, failed) => {
      server.once('error', failed);
      server.listen(on, host, () => {
        server.off('error', failed);
        open = true;
        done();
      });
    });
  }

  async function down(): Promise<void> {
    if (!open) return;
    open = false;
    const closed = new Promise((done) => server.close(done));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  async function rows(): Promise<readonly Row[]> {
    return await options.rows();
  }

  async function diff(expected: readonly string[], { by = 'id' }: Pick<ExpectOptions, 'by'> = {}) {
    return diffDelivery(expected, await rows(), requests, by);
  }

  async function expectExactlyOnce(
    expected: readonly string[],
    { by = 'id', withinMs = 0 }: ExpectOptions = {},
  ): Promise<void> {
    checkNumber('withinMs', withinMs, { min: 0, max: 600_000 });
    const until = Date.now() + withinMs;
    let result = await diff(expected, { by });
    // A doubled event does not go away again: only what is missing is worth waiting for.
    while (result.lost.length > 0 && result.doubled.length === 0 && Date.now() < until) {
      await changed(Math.min(POLL_MS, until - Date.now()));
      result = await diff(expected, { by });
    }
    if (!result.exact) throw new Error(`${result.text}\n${log(40)}`);
  }

  function changed(withinMs: number): Promise<void> {
    return next('ended', () => true, Math.max(withinMs, 1)).then(
      () => undefined,
      () => undefined,
    );
  }

  function log(last = requests.length): string {
    const shown = requests.slice(-last).map(tellRequest);
    const hidden = requests.length - shown.length;
    return [...(hidden > 0 ? [`… ${hidden} requests before`] : []), ...shown].join('\n');
  }

  return {
    origin,
    requests,
    get mostAtOnce() {
      return mostAtOnce;
    },
    misbehave: (fault, scope = {}) => script.add(fault, scope),
    behave: () => script.clear(),
    down,
    up: async () => {
      if (!open) await listen(port);
    },
    rows,
    countById: async () => {
      const counts = new Map<string, number>();
      for (const { id } of await rows()) counts.set(id, (counts.get(id) ?? 0) + 1);
      return counts;
    },
    timesOnWire: (key) => requests.filter(({ ids, names }) => ids.includes(key) || names.includes(key)).length,
    arrival: (match = () => true, withinMs = DEFAULT_WAIT_MS) => next('arrived', match, withinMs),
    end: (match = () => true, withinMs = DEFAULT_WAIT_MS) => next('ended', match, withinMs),
    diff,
    expectExactlyOnce,
    log: () => log(),
    forget: () => {
      requests.length = 0;
      mostAtOnce = underWay;
    },
    close: down,
  };
}
