import { PetrelError } from '../core/errors.js';
import { checkNumber, show } from '../core/options.js';
import type { RecordedRequest } from './request-record.js';

/** Answers with a status of its own. The collector is not asked, unless `stored`. */
export interface StatusFault {
  kind: 'status';
  /** HTTP status, 200 to 599. */
  status: number;
  /** The `Retry-After` header: a number is seconds, a Date becomes an HTTP date, a string is sent as it is, sensible or not. */
  retryAfter?: number | string | Date;
  /**
   * Whether CORS lets a page of another origin read `Retry-After`. Many servers forget it; the header then is there and invisible.
   * @defaultValue true
   */
  exposed?: boolean;
  /**
   * Whether the answer has CORS headers at all. Without, a browser sees a failed request and no status, as with many
   * gateways that answer in the server's place.
   * @defaultValue true
   */
  cors?: boolean;
  /** Sent as JSON, a string as it is. Default: nothing. */
  body?: unknown;
  /** The collector stores the body first, then its answer is replaced (a gateway that timed out).
   * @defaultValue false */
  stored?: boolean;
}

/** Takes the request and never answers it. The connection stays open until the client or the server ends it. */
export interface SilenceFault {
  kind: 'silence';
  /** The collector stores the body before the silence.
   * @defaultValue false */
  stored?: boolean;
}

/**
 * Resets the connection instead of answering. With `stored`, the collector has stored the body: the response is lost, the events are not.
 *
 * On a connection that served a request before, Chromium sends a request that met a reset once more by itself, a POST too:
 * so one reset is often two requests in the record, and the page sees only the outcome of the second.
 */
export interface ResetFault {
  kind: 'reset';
  /** @defaultValue false */
  stored?: boolean;
}

/** Stores the body, announces the whole answer, sends half of it and cuts the connection. */
export interface TruncateFault {
  kind: 'truncate';
}

/** Waits. Delays add up, and other faults still apply after them. */
export interface DelayFault {
  kind: 'delay';
  /** In milliseconds, 0 to 3 600 000. */
  ms: number;
  /** Wait between storing and answering instead of before storing.
   * @defaultValue false */
  stored?: boolean;
}

/** Sends the collector's answer slowly, byte by byte. */
export interface DripFault {
  kind: 'drip';
  /** How long the body takes, in milliseconds, 0 to 3 600 000. */
  ms: number;
}

/** Answers 413 to bodies that are larger, as a gateway with a limit does. */
export interface LimitFault {
  kind: 'limit';
  /** Largest body taken, in bytes as sent (compressed, if it was). */
  bytes: number;
  /** Whether the answer tells the limit (`limitBytes`).
   * @defaultValue true */
  told?: boolean;
}

/** Refuses events by name. */
export interface PoisonFault {
  kind: 'poison';
  /** Name of the event that is refused. */
  name: string;
  /**
   * `event`: 200, the other events are stored, this one is in `rejected`. A number: this status for every body that carries it,
   * nothing stored, no reason given.
   * @defaultValue 'event'
   */
  answer?: 'event' | number;
  /** The word in `rejected`.
   * @defaultValue 'poison' */
  reason?: string;
}

/** Answers with something else than the collector does. */
export interface AnswerFault {
  kind: 'answer';
  /** The body, as it is. */
  body: string;
  /** @defaultValue 'application/json' */
  contentType?: string;
  /** @defaultValue 200 */
  status?: number;
  /** The collector stores the body first.
   * @defaultValue true */
  stored?: boolean;
}

/** One way to misbehave. */
export type Fault =
  | StatusFault
  | SilenceFault
  | ResetFault
  | TruncateFault
  | DelayFault
  | DripFault
  | LimitFault
  | PoisonFault
  | AnswerFault;

/** Which requests a fault applies to. Everything that is given must hold; nothing given is all POST requests from now on. */
export interface FaultScope {
  /** Let this many requests that it would apply to pass first.
   * @defaultValue 0 */
  skip?: number;
  /** Apply this many times, then no more. */
  times?: number;
  /** Apply for this long, in milliseconds from now. */
  forMs?: number;
  /** Apply to this share of requests, 0 to 1, chosen by `seed`. */
  probability?: number;
  /** Makes the choice repeatable. Default: a random one, to be read from {@link FaultHandle.seed}. */
  seed?: number;
  /** Apply to these requests only: the body has been read, nothing has been answered. */
  when?: (request: RecordedRequest) => boolean;
}

/** A fault in force. */
export interface FaultHandle {
  readonly fault: Fault;
  /** How often it applied. */
  readonly hits: number;
  /** The seed in use, to repeat a run. */
  readonly seed: number;
  /** Ends it; requests that it has already decided are not changed. */
  end(): void;
}

/** Faults in the order in which they were given, and which of them meet a request. */
export interface FaultScript {
  /** Adds a fault; the handle takes it away again. */
  add(fault: Fault, scope: FaultScope): FaultHandle;
  /** All delays that apply, then the first other fault that applies, if one does. */
  pick(request: RecordedRequest): Fault[];
  /** Takes all faults away. */
  clear(): void;
}

const KINDS: readonly Fault['kind'][] = [
  'status',
  'silence',
  'reset',
  'truncate',
  'delay',
  'drip',
  'limit',
  'poison',
  'answer',
];

/** Longest wait a fault may be given, in milliseconds: an hour, like `maxDelayMs`. */
const MAX_WAIT_MS = 3_600_000;

/** A script without faults. `now` is the time by which those with `forMs` end, in ms. */
export function createFaultScript(now: () => number): FaultScript {
  interface Entry extends FaultHandle {
    hits: number;
    meets(request: RecordedRequest): boolean;
  }
  const entries: Entry[] = [];

  function add(fault: Fault, scope: FaultScope): FaultHandle {
    checkFault(fault);
    checkScope(scope);
    const seed = scope.seed ?? Math.floor(Math.random() * 2 ** 32);
    const random = createSeededRandom(seed);
    const endsAt = scope.forMs === undefined ? undefined : now() + scope.forMs;
    let skip = scope.skip ?? 0;
    const entry: Entry = {
      fault,
      hits: 0,
      seed,
      end: () => {
        const at = entries.indexOf(entry);
        if (at >= 0) entries.splice(at, 1);
      },
      meets: (request) => {
        if (endsAt !== undefined && now() >= endsAt) return false;
        if (scope.times !== undefined && entry.hits >= scope.times) return false;
        if (scope.when && !scope.when(request)) return false;
        if (fault.kind === 'limit' && request.bytes <= fault.bytes) return false;
        if (fault.kind === 'poison' && !request.names.includes(fault.name)) return false;
        if (scope.probability !== undefined && random() >= scope.probability) return false;
        if (skip > 0) {
          skip--;
          return false;
        }
        return true;
      },
    };
    entries.push(entry);
    return entry;
  }

  function pick(request: RecordedRequest): Fault[] {
    const picked: Fault[] = [];
    let decided = false;
    for (const entry of entries) {
      // A fault that comes after the deciding one is not asked: its `times` and its random sequence are not used up.
      if (decided && entry.fault.kind !== 'delay') continue;
      if (!entry.meets(request)) continue;
      entry.hits++;
      picked.push(entry.fault);
      if (entry.fault.kind !== 'delay') decided = true;
    }
    return picked;
  }

  return { add, pick, clear: () => entries.splice(0) };
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32, public domain, by Tommy Ettinger). */
export function createSeededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a fault is called in the record and in messages. */
export function describeFault(fault: Fault): string {
  const after = 'stored' in fault && fault.stored ? ' after storing' : '';
  switch (fault.kind) {
    case 'status':
      return `status ${fault.status}${after}`;
    case 'silence':
      return `no answer${after}`;
    case 'reset':
      return `connection reset${after}`;
    case 'truncate':
      return 'answer cut in half';
    case 'delay':
      return `${fault.ms} ms late${after}`;
    case 'drip':
      return `answer over ${fault.ms} ms`;
    case 'limit':
      return `over ${fault.bytes} bytes`;
    case 'poison':
      return `poison ${show(fault.name)}`;
    case 'answer':
      return `answer replaced`;
  }
}

function checkFault(fault: Fault): void {
  if (!KINDS.includes(fault?.kind)) {
    throw new PetrelError('invalid-option', `\`kind\` must be one of ${KINDS.join(', ')}, not ${show(fault?.kind)}`);
  }
  if (fault.kind === 'status') checkNumber('status', fault.status, { min: 200, max: 599 });
  if (fault.kind === 'answer' && fault.status !== undefined) {
    checkNumber('status', fault.status, { min: 200, max: 599 });
  }
  if (fault.kind === 'poison' && typeof fault.answer === 'number') {
    checkNumber('answer', fault.answer, { min: 400, max: 599 });
  }
  if (fault.kind === 'delay' || fault.kind === 'drip') checkNumber('ms', fault.ms, { min: 0, max: MAX_WAIT_MS });
  if (fault.kind === 'limit') checkNumber('bytes', fault.bytes, { min: 0, max: 2 ** 31 });
}

function checkScope(scope: FaultScope): void {
  if (scope.skip !== undefined) checkNumber('skip', scope.skip, { min: 0, max: 1e9 });
  if (scope.times !== undefined) checkNumber('times', scope.times, { min: 0, max: 1e9 });
  if (scope.forMs !== undefined) checkNumber('forMs', scope.forMs, { min: 0, max: 86_400_000 });
  if (scope.seed !== undefined) checkNumber('seed', scope.seed, { min: 0, max: 2 ** 32 - 1 });
  if (scope.probability !== undefined) {
    checkNumber('probability', scope.probability, { min: 0, max: 1, integer: false });
  }
}
