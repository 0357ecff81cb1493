/**
 * The host: what takes a page's messages, keeps the queues, and delivers. The same in the service worker and in the page;
 * what differs (where the store is, who may answer, how long it may stay awake) comes in as arguments.
 *
 * Nothing in here is needed to survive: a worker that is killed between two lines finds everything in its store again.
 */

import { type Batcher, createBatcher } from '../core/batcher.js';
import type { Clock } from '../core/clock.js';
import type { Encoder, Payload } from '../core/encoder.js';
import { PetrelError } from '../core/errors.js';
import { eventId, type Origin, type QueuedEvent } from '../core/event.js';
import type { BatcherState, EventBatch } from '../core/event-batcher.js';
import { BROWSER_PRESET, checkEngineOptions, type EngineOptions } from '../core/options.js';
import type { Outcome } from '../core/outcome.js';
import type { Tombstone } from '../core/queue-state.js';
import type { Store } from '../core/store.js';
import type { Courier } from '../core/transport.js';
import type {
  Attempt,
  DestinationConfig,
  EventsMessage,
  HostInfo,
  HostMessage,
  PageMessage,
  StoredMessage,
} from '../protocol.js';
import { checkDrops, checkEvents, sizeOfEvent } from './check-event.js';
import { faultOfConfig, faultOfMessage, isPetrelMessage } from './check-message.js';
import { createFetchTransport } from './fetch-transport.js';
import { createGzipEncoder } from './gzip-encoder.js';
import { createIdentity } from './identity.js';
import type { Lead } from './leader.js';
import type { MetaStore } from './meta-store.js';
import { createPetrelEncoder } from './petrel-encoder.js';

/** The package's version, put in place by the build. */
declare const __VERSION__: string;

/** Names of configurations among the meta values. */
const CONFIG_PREFIX = 'config ';

/**
 * How much later than due the page looks whether the host has done what it had to, in ms: the host may have been killed.
 * Only when something was waiting at the last answer, so an idle page has no timer.
 */
const LOOK_AFTER_MS = 15_000;

/** Attempts remembered for `stats()`. */
const MAX_ATTEMPTS = 10;

/** Ports of pages that watch their events, at most; the oldest go. A page that still cares watches again with its next message. */
const MAX_WATCHERS = 100;

export interface HostEngineOptions {
  clock: Clock;
  /** Which host it is, for `stats()`. */
  kind: HostInfo['kind'];
  /** The log of one destination's queue. Called again when a configuration changes; several may be open at a time. */
  openStore: (to: string) => Store<QueuedEvent>;
  meta: MetaStore;
  fetch: typeof fetch;
  /** One sender per queue. @see {@link createLeader} */
  lead: Lead;
  /** Whether the browser says it is online. Default: it is. */
  onLine?: () => boolean;
  /** The pages there are, by the names that {@link HostEngine.receive} was given. Default: nobody knows. */
  clients?: () => Promise<readonly string[]>;
  /** Whether the visitor asks for privacy (Global Privacy Control): then no id is made up for them. Default: no. */
  gpc?: () => boolean;
  /**
   * Makes the encoder, or courier, for each wire format. `petrel` is put in where it is not; what is put in later is known from then on.
   */
  formats?: Formats;
  /**
   * How long the host stays awake for something that is due later, in milliseconds. For what is due later than that the page
   * has to wake it. @defaultValue Infinity (a page needs no waking)
   */
  awakeMs?: number;
}

export type Formats = {
  [format: string]: (config: DestinationConfig, clock: Clock) => Encoder<QueuedEvent> | Courier<QueuedEvent>;
};

const petrelFormat: Formats[string] = ({ key }, clock) => createGzipEncoder(createPetrelEncoder({ clock, key }));

export interface HostEngine {
  /**
   * Handles one message. Answers go to `reply`, as long as `visible` says that the page may be answered.
   * Messages that are not Petrel's are ignored. Never rejects. `client` names the page.
   *
   * @returns when the host may sleep, as {@link HostEngine.quiet}
   */
  receive(
    data: unknown,
    reply: (answer: HostMessage) => void,
    visible?: () => Promise<boolean>,
    client?: string,
  ): Promise<number | undefined>;
  /** Takes up all queues there are, without a page: at an alarm. `online`: the network is said to be back. Never rejects. */
  wakeAll(online?: boolean): Promise<number | undefined>;
  /**
   * Resolves when nothing is being sent and nothing is due within `awakeMs`: with the milliseconds until something is,
   * undefined when nothing waits.
   */
  quiet(): Promise<number | undefined>;
  /** Ends all sending. What is stored stays. */
  close(): Promise<void>;
}

interface Destination {
  config: DestinationConfig;
  batcher: Batcher<QueuedEvent>;
  /** What the last state told was, and why. */
  state: BatcherState;
  /** The last ones. */
  attempts: Attempt[];
  /** {@link Batcher.quiet}, once for all who wait: every transaction wakes those who do, and each message is one. */
  quiet: () => Promise<number | undefined>;
}

interface Watcher {
  to: string;
  reply: (answer: HostMessage) => Promise<void>;
}

export function createHostEngine({
  clock,
  kind,
  openStore,
  meta,
  fetch,
  lead,
  onLine,
  clients,
  gpc = () => false,
  formats = {},
  awakeMs = Number.POSITIVE_INFINITY,
}: HostEngineOptions): HostEngine {
  formats.petrel ??= petrelFormat;
  const destinations = new Map<string, Destination>();
  const watchers = new Map<string, Watcher>();
  const identity = createIdentity({ meta, clock });
  let known: Promise<Map<string, DestinationConfig>> | undefined;
  let adopted = false;

  /** The configurations kept from earlier pages, read once. */
  function knownConfigs(): Promise<Map<string, DestinationConfig>> {
    known ??= meta.read().then((values) => {
      const configs = new Map<string, DestinationConfig>();
      for (const [key, config] of values) {
        const to = key.slice(CONFIG_PREFIX.length);
        if (key.startsWith(CONFIG_PREFIX) && faultOfConfig(config, to) === undefined) {
          configs.set(to, config as DestinationConfig);
        }
      }
      return configs;
    });
    known.catch(() => {
      known = undefined;
    });
    return known;
  }

  /** The destination, with the newest configuration that is known; undefined when none is. */
  async function open(to: string, given?: DestinationConfig): Promise<Destination | undefined> {
    const configs = await knownConfigs();
    const kept = configs.get(to);
    // The same version again: a developer who does not count versions expects the page that came last to be right.
    const newer = given && (!kept || given.version >= kept.version) && !sameConfig(given, kept);
    const config = newer ? given : kept;
    if (!config) return undefined;
    if (!Object.hasOwn(formats, config.format)) {
      throw new PetrelError(
        'invalid-option',
        `\`format\` "${config.format}" is not known to this host (${kind}): serve petrel-sw-formats.js`,
      );
    }
    let destination = destinations.get(to);
    if (!destination || newer) {
      const before = destination;
      destination = connect(to, config);
      destinations.set(to, destination);
      // What it is sending is settled, and the next one waits for its lock.
      void before?.batcher.close();
    }
    if (newer) {
      configs.set(to, config);
      // If it cannot be kept, a page without its config is answered `unknown`, and posts it.
      await meta.update(CONFIG_PREFIX + to, () => config).catch(() => {});
    }
    await destination.batcher.start();
    return destination;
  }

  function connect(to: string, config: DestinationConfig): Destination {
    const attempts: Attempt[] = [];
    const encoder = formats[config.format]!(config, clock);
    const transport = createFetchTransport<QueuedEvent>({
      endpoint: config.endpoint,
      clock,
      fetch,
      idOf: ({ origin, seq }) => eventId(origin.source, seq),
      ...(onLine && { onLine }),
    });
    async function send(batch: EventBatch<QueuedEvent>): Promise<Outcome> {
      if ('deliver' in encoder) return encoder.deliver(batch, transport);
      let payload: Payload;
      try {
        payload = await encoder.encode(batch);
      } catch (error) {
        // Something in it is damaged: as refused, it is found by halving and set aside, and the others go.
        return { kind: 'refused', detail: `cannot be encoded: ${String(error)}` };
      }
      return transport.send(payload, batch);
    }
    const batcher = createBatcher<QueuedEvent>({
      limits: engineOptions(config).options,
      store: openStore(to),
      clock,
      sizeOf: sizeOfEvent,
      identify: ({ origin, seq }) => ({ source: origin.source, seq }),
      lead: (send) => lead(`petrel ${to}`, send),
      ...(clients && { alive: clients }),
      async deliver(batch) {
        tellFate(batch.events, (seqs) => ({ type: 'sent', seqs }));
        const begun = clock.now();
        const outcome = await send(batch);
        const at = clock.now();
        const { id, size, attempt } = batch;
        const detail = 'detail' in outcome && { detail: outcome.detail };
        attempts.push({ at, ms: at - begun, batch: id, events: size, attempt, outcome: outcome.kind, ...detail });
        attempts.splice(0, attempts.length - MAX_ATTEMPTS);
        return outcome;
      },
      onDelivered: (events) => tellFate(events, (seqs) => ({ type: 'fate', delivered: seqs })),
      onDropped: (events, reason, detail) =>
        tellFate(events, (seqs) => ({
          type: 'fate',
          dropped: seqs.map((seq) => ({ seq, reason, ...(detail !== undefined && { detail }) })),
        })),
      onState(state, detail) {
        destination.state = state;
        for (const watcher of watchers.values()) {
          if (watcher.to === to) void watcher.reply({ type: 'state', state, ...(detail !== undefined && { detail }) });
        }
      },
    });
    let settled: Promise<unknown> | undefined;
    const destination: Destination = {
      config,
      batcher,
      state: 'idle',
      attempts,
      async quiet() {
        settled ??= batcher.quiet(awakeMs).finally(() => {
          settled = undefined;
        });
        await settled;
        // Asked again: by now more may have come.
        return batcher.quiet(awakeMs);
      },
    };
    return destination;
  }

  /** Tells the watching pages among the events' sources. */
  function tellFate(events: readonly QueuedEvent[], message: (seqs: number[]) => HostMessage): void {
    if (watchers.size === 0) return;
    const bySource = new Map<string, number[]>();
    for (const { origin, seq } of events) {
      const seqs = bySource.get(origin.source);
      if (seqs) seqs.push(seq);
      else bySource.set(origin.source, [seq]);
    }
    for (const [source, seqs] of bySource) void watchers.get(source)?.reply(message(seqs));
  }

  /** The end of every answer: whether something waits, and when to look after it. */
  function stored({ batcher, state }: Destination, dropped?: StoredMessage['dropped']): StoredMessage {
    const due = batcher.dueInMs();
    return {
      type: 'stored',
      ...(due !== undefined && awakeMs < Infinity && { wakeInMs: due > awakeMs ? due : due + LOOK_AFTER_MS }),
      ...(state !== 'idle' && state !== 'sending' && { paused: state }),
      ...(dropped && dropped.length > 0 && { dropped }),
    };
  }

  async function ingest(
    { batcher, config }: Destination,
    { origins, events, drops = [], carried = false }: EventsMessage,
    from: string | undefined,
  ): Promise<StoredMessage['dropped']> {
    // A page may say for itself, where its site decides otherwise. Nothing is kept where nothing may be sent.
    const isPrivate = (origin: Partial<Origin> | null) =>
      config.options.cookieless === true || !!(origin?.context?.gpc ?? gpc());
    const ids = origins.every(isPrivate) ? {} : await identity.ids();
    const checked = checkEvents(origins, events, (origin) => (isPrivate(origin) ? {} : ids));
    const tombstones = checkDrops(drops);
    for (const { source, seq, reason } of checked.drops) {
      if (source !== undefined) tombstones.push({ source, first: seq, last: seq, reason });
    }
    // All are told to the store before the first is waited for: they run in one go, and a failure of any means no answer but `error`.
    // What was stored by then is known by its numbers when the page posts it again.
    await Promise.all([
      ...checked.taken.map(([priority, taken]) => batcher.addMany(taken, { priority, carried, from })),
      tombstones.length > 0 && batcher.recordDrops(joinRuns(tombstones)),
    ]);
    return checked.drops.map(({ seq, reason, detail }) => ({ seq, reason, detail }));
  }

  async function handle(
    message: PageMessage,
    reply: (answer: HostMessage) => Promise<void>,
    client: string | undefined,
  ): Promise<void> {
    const { to } = message;
    const config = 'config' in message ? message.config : undefined;
    const destination = await open(to, config);
    if (!destination) return reply({ type: 'unknown' });
    // Said, but no event is lost for it: the other options, and defaults, hold.
    for (const problem of config ? engineOptions(config).problems : []) await reply(failure('invalid-option', problem));
    const { batcher } = destination;
    // With its config comes a page that was just opened: worth one attempt, although the last one failed. A hidden one gets no
    // answers, so it goes on sending its config, and would make an attempt of every message.
    if (config && message.visible !== false) await batcher.resume();
    switch (message.type) {
      case 'events':
        return reply(stored(destination, await ingest(destination, message, client)));
      case 'wake':
        await (message.online === true ? batcher.resume() : batcher.refresh());
        return reply(stored(destination));
      case 'flush':
        return reply({ type: 'flushed', result: await batcher.flush() });
      case 'stats':
        return reply({
          type: 'stats',
          stats: {
            ...(await batcher.stats()),
            host: { kind, version: __VERSION__, attempts: destination.attempts },
          },
        });
      case 'purge':
        await batcher.purge();
        await identity.forget();
        return reply(stored(destination));
      case 'watch':
        watchers.delete(message.source); // so that the newest stands last
        watchers.set(message.source, { to, reply });
        if (watchers.size > MAX_WATCHERS) watchers.delete(watchers.keys().next().value!);
    }
  }

  /** Takes up the queues no page asked for: of an endpoint the site no longer uses, or of a page that is closed. Once per life. */
  async function adopt(): Promise<void> {
    if (adopted) return;
    const configs = await knownConfigs();
    adopted = true;
    // A format of a newer release waits for that release.
    for (const [to, { format }] of configs) if (Object.hasOwn(formats, format)) await open(to);
  }

  async function quiet(): Promise<number | undefined> {
    const dues = await Promise.all([...destinations.values()].map(({ quiet }) => quiet()));
    return dues.reduce((soonest, due) => (due !== undefined && !(due >= soonest!) ? due : soonest), undefined);
  }

  /** A store that fails has been told of to the page that asked, or will be to the next that asks. */
  const ignore = () => {};

  return {
    async receive(data, post, visible = async () => true, client) {
      const reply = async (answer: HostMessage) => {
        try {
          if (await visible()) post(answer);
        } catch {
          // The page is gone.
        }
      };
      if (!isPetrelMessage(data)) return undefined;
      try {
        const fault = faultOfMessage(data);
        if (fault) await reply(failure('invalid-message', `\`${fault}\` is not known or not valid here`));
        else await handle(data as unknown as PageMessage, reply, client);
      } catch (error) {
        await reply(failure(error instanceof PetrelError ? error.code : 'internal', String(error)));
      }
      await adopt().catch(ignore);
      return quiet();
    },
    async wakeAll(online = false) {
      await adopt().catch(ignore);
      for (const { batcher } of destinations.values()) {
        await batcher
          .start()
          .then(() => (online ? batcher.resume() : batcher.refresh()))
          .catch(ignore);
      }
      return quiet();
    },
    quiet,
    async close() {
      watchers.clear();
      await Promise.all([...destinations.values()].map(({ batcher }) => batcher.close()));
    },
  };
}

function failure(code: string, message: string): HostMessage {
  return { type: 'error', code, message };
}

/** The options of a configuration that can be used, completed by the defaults, and what is wrong with the others. */
function engineOptions({ options: given }: DestinationConfig): {
  options: Required<EngineOptions>;
  problems: string[];
} {
  const options = checkEngineOptions({}, BROWSER_PRESET);
  const problems: string[] = [];
  for (const [option, value] of Object.entries(given)) {
    // Not the queue's: see `ingest`.
    if (option === 'cookieless') continue;
    try {
      checkEngineOptions({ [option]: value });
      if (value !== undefined) Object.assign(options, { [option]: value });
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  return { options, problems };
}

function sameConfig(a: DestinationConfig, b: DestinationConfig | undefined): boolean {
  return b !== undefined && a.version === b.version && JSON.stringify(a.options) === JSON.stringify(b.options);
}

/** Joins neighbours: a thousand bad events of one loop are one entry. */
function joinRuns(drops: Tombstone[]): Tombstone[] {
  const joined: Tombstone[] = [];
  for (const drop of drops) {
    const last = joined.at(-1);
    if (last && last.source === drop.source && last.reason === drop.reason && last.last + 1 === drop.first) {
      last.last = drop.last;
    } else joined.push(drop);
  }
  return joined;
}
