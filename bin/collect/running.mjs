// A collector from its settings: opened in order, ended in order.

import { createCollector, createMemorySink } from '../../dist/server/index.js';
import { checkServeOptions, serve } from '../../dist/server/node.js';
import { UsageError } from '../lib/command.mjs';
import { createRequestLog, tell } from './log.mjs';
import { openDatabase, openLedger, sinkKindOf, withoutSecrets } from './sinks.mjs';

/** @typedef {import('../../dist/server/index.js').CollectConfig} CollectConfig */
/** @typedef {import('../../dist/server/index.js').Sink} Sink */
/** @typedef {import('./log.mjs').Log} Log */

/** The file where events go that nobody said a place for. */
const DEFAULT_DB = 'petrel.db';

export const DRAIN_TIMEOUT_MS = 9_000;
const MAX_DRAIN_MS = 600_000;

/** Settings that a reload puts to use. The others need a restart. */
export const LIVE_SETTINGS = /** @type {const} */ (['keys', 'origins', 'limits', 'rates', 'privacy', 'trustProxy']);

/**
 * What is checked before anything is opened. Ranges are checked by those who use the values; here their errors learn who said them.
 *
 * @param {CollectConfig} config
 * @param {Map<string, string>} from
 * @throws UsageError
 */
export async function checkConfig(config, from) {
  checkTime('drainTimeoutMs', 1_000);
  checkTime('drainDelayMs', 0);
  if (typeof config.sink === 'string') sinkKindOf(config.sink, from.get('sink') ?? '`sink`');
  await naming(from, () => checkServeOptions(serveOptions(config)));
  await naming(from, () => createCollector({ ...collectorOptions(config), sink: createMemorySink() }).close());

  /** @param {'drainTimeoutMs' | 'drainDelayMs'} name @param {number} min */
  function checkTime(name, min) {
    const value = config[name] ?? min;
    if (Number.isInteger(value) && value >= min && value <= MAX_DRAIN_MS) return;
    throw new UsageError(`${from.get(name)} must be a whole number from ${min} to ${MAX_DRAIN_MS}, not ${value}`);
  }
}

/**
 * @param {CollectConfig} config
 * @param {Map<string, string>} from
 * @param {Log} log
 */
export async function startCollector(config, from, log) {
  const { drainTimeoutMs = DRAIN_TIMEOUT_MS } = config;
  const { sink, name } = await openSink(config, from);
  const closeSink = async (/** @type {unknown} */ error) => {
    await sink.close();
    throw error;
  };
  const store = await openLedger(sink, config.ledger?.db, from).catch(closeSink);
  if (!store && !sink.ledger) log.warn('this sink keeps no ledger; --ledger-db gives it one');
  const options = collectorOptions(config);
  const collector = await naming(from, () =>
    createCollector({
      ...options,
      sink,
      ledger: { ...options.ledger, ...(store && { store }) },
      // The requests under way get the one half, what is queued behind them the other.
      closeTimeoutMs: Math.floor(drainTimeoutMs / 2),
      onRequest: createRequestLog(log),
      onError: (error, where) => log.error(where === 'sink' ? 'the sink failed' : 'a bug', { error: tell(error) }),
    }),
  ).catch(closeSink);

  const server = await naming(from, () =>
    serve(collector, { ...serveOptions(config), onError: (error) => log.error('a bug', { error: tell(error) }) }),
  ).catch(async (error) => {
    await collector.close();
    throw error;
  });

  return {
    url: server.url,
    /** Where events go, to be shown. */
    sink: name,
    state: collector.state,
    drain: collector.drain,
    /**
     * Puts to use what may change.
     * @param {CollectConfig} next checked
     */
    reload(next) {
      collector.update(Object.fromEntries(LIVE_SETTINGS.map((name) => [name, next[name]])));
    },
    /** First nobody new, then what is queued. */
    async close() {
      await server.close();
      await collector.close();
    },
  };
}

/** The settings that are the collector's own options, as they are called there. */
const OPTIONS = /** @type {const} */ ([
  ...LIVE_SETTINGS,
  'path',
  'formats',
  'metrics',
  'tail',
  'batch',
  'ackTimeoutMs',
  'sinkTimeoutMs',
]);

/** @param {CollectConfig} config */
function collectorOptions(config) {
  const { token, maxAgeMs } = config.ledger ?? {};
  return {
    ...only(config, OPTIONS),
    ledger: { ...(token !== undefined && { token }), ...(maxAgeMs !== undefined && { maxAgeMs }) },
  };
}

/** @param {CollectConfig} config */
function serveOptions({ drainTimeoutMs = DRAIN_TIMEOUT_MS, port = 8787, host = '127.0.0.1', ...config }) {
  const names = /** @type {const} */ (['headersTimeoutMs', 'bodyTimeoutMs', 'keepAliveTimeoutMs', 'maxConnections']);
  return { port, host, closeTimeoutMs: Math.floor(drainTimeoutMs / 2), ...only(config, names) };
}

/**
 * Those settings alone, and only where they are given.
 *
 * @template {keyof CollectConfig} Name
 * @param {CollectConfig} config
 * @param {readonly Name[]} names
 * @returns {Pick<CollectConfig, Name>}
 */
function only(config, names) {
  const given = names.flatMap((name) => (config[name] === undefined ? [] : [[name, config[name]]]));
  return Object.fromEntries(given);
}

/**
 * @param {CollectConfig} config
 * @param {Map<string, string>} from
 * @returns {Promise<{ sink: Sink, name: string }>}
 */
async function openSink({ db = DEFAULT_DB, sink: address }, from) {
  if (typeof address === 'function') return { sink: await address(), name: 'a sink of its own' };
  if (address === undefined) return { sink: await openDatabase(db), name: db };
  const sink = await sinkKindOf(address, from.get('sink') ?? '`sink`').open(address);
  return { sink, name: withoutSecrets(address) };
}

/**
 * Does the work, and says in its complaint about an option who gave it.
 *
 * @template T
 * @param {Map<string, string>} from
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
async function naming(from, work) {
  try {
    return await work();
  } catch (error) {
    const { code, message } = /** @type {{ code?: unknown, message: string }} */ (error);
    if (code !== 'invalid-option') throw error;
    throw new UsageError(
      message.replace(/^`([^`]+)`/, (all, name) => from.get(name) ?? from.get(`batch.${name}`) ?? all),
    );
  }
}
