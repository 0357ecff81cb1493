import { PetrelError } from '../core/errors.js';
import { createCors } from './cors.js';
import type { ReadingBudget } from './decode.js';
import { decoderFor } from './decoders/index.js';
import { createIntake, type IntakeState } from './intake.js';
import type { Ledger } from './ledger/ledger.js';
import { readLedger } from './ledger/route.js';
import { createMetrics, METRICS_TYPE } from './metrics.js';
import { type CheckedOptions, type CollectorOptions, checkCollectorOptions } from './options.js';
import { createRateLimiter } from './rate-limit.js';
import { createProbe, type Readiness } from './readiness.js';
import { createReceiver, type Rules } from './receive.js';
import { answer, answerRefusal, Refusal, refusalOf } from './refusal.js';
import { type ClientInfo, type RequestRecord, requestIdOf } from './request-record.js';
import { checkToken } from './secrets.js';
import { createTail } from './tail.js';

/** Options that can be changed while the collector runs. */
export type LiveOptions = Pick<CollectorOptions, 'keys' | 'origins' | 'limits' | 'rates' | 'privacy' | 'trustProxy'>;

const LIVE: readonly (keyof LiveOptions)[] = ['keys', 'origins', 'limits', 'rates', 'privacy', 'trustProxy'];

/** A collector: a function from request to answer, fit for any server that speaks the Fetch API. */
export interface Collector {
  /**
   * Never rejects. POST: 200 with a `WireAnswer` once everything in the request is stored, else a status and a `WireError`;
   * what came in another format (`formats`) is answered with 200 as its clients expect it.
   * OPTIONS: the preflight. GET of a path ending in `/healthz`: 200 as long as the process lives; in `/readyz`: 200 while requests
   * should be sent here, else 503; in `/metrics`, `/ledger` and `/tail`, where the options open them: counters, what arrived and what
   * did not, and a stream of what arrives.
   *
   * @param client who sent it, where the server knows: for `rates.perAddress` and `privacy.ip`
   */
  (request: Request, client?: ClientInfo): Promise<Response>;
  /** What waits for the sink, and how the sink does. */
  state(): IntakeState;
  /**
   * Puts options in the place of those there were; what is not named stays, what is named and undefined becomes the default.
   * Requests under way keep those they began with.
   *
   * @throws PetrelError `invalid-option`; then all stays as it was.
   */
  update(options: LiveOptions): void;
  /**
   * From now on `/readyz` says 503, so that balancers send requests elsewhere; those that come are served. Streams of `/tail` end.
   * Call it before `close()`.
   */
  drain(): void;
  /**
   * Refuses new requests, stores what is queued (at most `closeTimeoutMs`), and closes the sink.
   * Close the server first, so that nobody is refused.
   */
  close(): Promise<void>;
}

const ALLOWED_METHODS = 'POST, OPTIONS';

/** How soon to come back, to whoever follows. */
const CLOSING_RETRY_MS = 1_000;

/** Longest path in a record, in UTF-16 code units. */
const MAX_PATH = 200;

/**
 * Makes a collector: requests are decoded, checked event by event, put together to batches by the same engine that runs in
 * the browser, and answered when the sink has committed. Each id is stored once.
 *
 * @throws PetrelError `invalid-option`, naming option, range and value.
 *
 * @example
 * ```ts
 * import { createCollector } from 'petrel/server';
 * import { serve } from 'petrel/server/node';
 * import { createSqliteSink } from 'petrel/sinks/sqlite';
 *
 * const collector = createCollector({ sink: await createSqliteSink({ path: 'events.db' }), keys: ['pk_live'] });
 * const server = await serve(collector, { port: 8787 });
 * ```
 */
export function createCollector(options: CollectorOptions): Collector {
  const checked = checkCollectorOptions(options);
  const { clock, path, onRequest } = checked;
  const metrics = createMetrics(clock);
  const tail = createTail(clock);
  const observed = metrics.observe(checked.sink);
  const intake = createIntake({ ...checked, sink: checked.tail === undefined ? observed : tail.observe(observed) });
  const ledger: Ledger | undefined = checked.ledger.store ?? checked.sink.ledger;
  const answersSink = createProbe(checked.sink, clock);
  const now = () => clock.now();
  let given = options;
  let live = rulesOf(checked, now);
  let draining = false;

  const reading: ReadingBudget = {
    used: 0,
    get max() {
      return live.limits.maxReadingBytes;
    },
    received: (bytes) => {
      metrics.bodyBytes += bytes;
    },
  };
  const receiver = createReceiver({ intake, reading, now });

  async function readiness(): Promise<Readiness> {
    if (draining) return 'draining';
    return !intake.isFailing() && (await answersSink()) ? 'ready' : 'sink-failing';
  }

  async function tell(request: Request, token: string): Promise<object> {
    checkToken(request.headers, token, 'the ledger');
    if (!ledger) throw new Refusal('not-found', 'this collector keeps no ledger: its sink has none');
    return readLedger(ledger, new URL(request.url).searchParams, clock.now(), checked.ledger.maxAgeMs);
  }

  function count(request: Request, access: string): Response {
    if (access !== 'open') checkToken(request.headers, access, 'what is counted');
    const gauges = { ...intake.state(), readingBytes: reading.used, draining };
    return new Response(metrics.render(gauges), {
      headers: { 'Content-Type': METRICS_TYPE, 'Cache-Control': 'no-store' },
    });
  }

  /** What is not a post. Undefined where nothing is. */
  async function inform(request: Request, pathname: string, headers: Record<string, string>) {
    const { metrics: access, ledger: book } = checked;
    if (pathname.endsWith('/healthz')) return answer(200, { status: 'ok', ...intake.state() }, headers);
    if (pathname.endsWith('/readyz')) {
      const status = await readiness();
      return answer(status === 'ready' ? 200 : 503, { status }, headers);
    }
    if (request.method !== 'GET') return undefined;
    if (pathname.endsWith('/metrics') && access !== undefined) return count(request, access);
    if (pathname.endsWith('/tail') && checked.tail !== undefined) {
      checkToken(request.headers, checked.tail, 'what arrives');
      if (draining) throw new Refusal('closing', 'the collector is shutting down', { retryAfterMs: CLOSING_RETRY_MS });
      return tail.follow(new URL(request.url).searchParams);
    }
    if (pathname.endsWith('/ledger') && book.token !== undefined) {
      return answer(200, await tell(request, book.token), headers);
    }
    return undefined;
  }

  async function respond(
    request: Request,
    client: ClientInfo | undefined,
    record: RequestRecord,
    { cors, ...rules }: Live,
  ): Promise<Response> {
    const headers = cors.headers(request);
    try {
      const { pathname } = new URL(request.url);
      if (request.method === 'OPTIONS') return cors.preflight(request);
      if (request.method === 'GET' || request.method === 'HEAD') {
        const information = await inform(request, pathname, headers);
        if (information) return information;
      }
      if (path !== undefined && pathname !== path && !decoderFor(request, rules.formats).hasOwnPath) {
        throw new Refusal('not-found', `nothing is at ${pathname.slice(0, 100)}`);
      }
      if (request.method !== 'POST') {
        throw new Refusal('method-not-allowed', 'events are posted', { allow: ALLOWED_METHODS });
      }
      if (!cors.allows(request)) {
        throw new Refusal(
          'origin-not-allowed',
          `${request.headers.get('origin')} is not among this collector's \`origins\``,
        );
      }
      return answer(200, await receiver.receive(request, client, rules, record), headers);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.error === 'internal') checked.onError(error, 'request');
      record.error = refusal.error;
      return answerRefusal(refusal, headers);
    }
  }

  async function handle(request: Request, client?: ClientInfo): Promise<Response> {
    const began = clock.now();
    const origin = request.headers.get('origin');
    const record: RequestRecord = {
      id: requestIdOf(request.headers, clock.randomId),
      method: request.method,
      path: new URL(request.url).pathname.slice(0, MAX_PATH),
      status: 200,
      ms: 0,
      ...(origin !== null && { origin: origin.slice(0, MAX_PATH) }),
    };
    const response = await respond(request, client, record, live);
    response.headers.set('X-Request-Id', record.id);
    record.status = response.status;
    record.ms = Math.max(0, clock.now() - began);
    metrics.request(record);
    onRequest(record);
    return response;
  }

  function drain(): void {
    draining = true;
    // Else they would hold their connections until they are cut.
    tail.end();
  }

  return Object.assign(handle, {
    state: intake.state,
    update(more: LiveOptions) {
      for (const name of Object.keys(more)) {
        if (LIVE.includes(name as keyof LiveOptions)) continue;
        throw new PetrelError('invalid-option', `\`${name}\` cannot be changed while the collector runs`);
      }
      const next = { ...given, ...more };
      live = rulesOf(checkCollectorOptions(next), now, live);
      given = next;
    },
    drain,
    close: () => {
      drain();
      return intake.close();
    },
  });
}

interface Live extends Rules {
  cors: ReturnType<typeof createCors>;
  rates: CheckedOptions['rates'];
}

/** What requests are measured by, made of the options. Limiters whose rate is what it was go on: a reload is no amnesty. */
function rulesOf(
  { keys, limits, privacy, trustProxy, formats, origins, rates }: CheckedOptions,
  now: () => number,
  before?: Live,
) {
  const live: Live = { limits, privacy, trustProxy, formats, rates, cors: createCors(origins), ...(keys && { keys }) };
  for (const name of ['perAddress', 'perKey'] as const) {
    const perSecond = rates[name];
    if (perSecond === undefined) continue;
    const burst = rates[`${name}Burst`] ?? 10 * perSecond;
    const isSame = before?.rates[name] === perSecond && before.rates[`${name}Burst`] === rates[`${name}Burst`];
    live[name] = (isSame && before[name]) || createRateLimiter({ perSecond, burst, now });
  }
  return live;
}
