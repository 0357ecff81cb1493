// A collector from its settings: opened in order, ended in order.

import { createCollector, createMemorySink } from '../../dist/server/index.js';
import { serve } from '../../dist/server/node.js';
import { UsageError } from '../lib/command.mjs';
import { tell } from './log.mjs';
import { openDatabase, sinkKindOf, withoutSecrets } from './sinks.mjs';

/** @typedef {import('../../dist/server/index.js').CollectConfig} CollectConfig */
/** @typedef {import('../../dist/server/index.js').Sink} Sink */
/** @typedef {import('./log.mjs').Log} Log */

/** The file where events go that nobody said a place for. */
const DEFAULT_DB = 'petrel.db';

export const DRAIN_TIMEOUT_MS = 9_000;

/**
 * What is checked before anything is opened. Ranges are checked by those who use the values; here their errors learn who said them.
 *
 * @param {CollectConfig} config
 * @param {Map<string, string>} from
 * @throws UsageError
 */
export async function checkConfig(config, from) {
  const { drainTimeoutMs: drain = DRAIN_TIMEOUT_MS } = config;
  if (!(Number.isInteger(drain) && drain >= 1_000 && drain <= 600_000)) {
    throw new UsageError(`${from.get('drainTimeoutMs')} must be a whole number from 1000 to 600000, not ${drain}`);
  }
  if (typeof config.sink === 'string') sinkKindOf(config.sink, from.get('sink') ?? '`sink`');
  await naming(from, () => createCollector({ ...collectorOptions(config), sink: createMemorySink() }).close());
}

/**
 * @param {CollectConfig} config
 * @param {Map<string, string>} from
 * @param {Log} log
 */
export async function startCollector(config, from, log) {
  const { drainTimeoutMs = DRAIN_TIMEOUT_MS } = config;
  const { sink, name } = await openSink(config, from);
  const collector = await naming(from, () =>
    createCollector({
      ...collectorOptions(config),
      sink,
      // The requests under way get the one half, what is queued behind them the other.
      closeTimeoutMs: drainTimeoutMs / 2,
      onError: (error, where) => log.error(where === 'sink' ? 'the sink failed' : 'a bug', { error: tell(error) }),
    }),
  ).catch(async (error) => {
    await sink.close();
    throw error;
  });

  /** @param {Request} request */
  async function handle(request) {
    const began = performance.now();
    const response = await collector(request);
    const { status } = response;
    const level = status >= 500 ? 'error' : status >= 400 ? 'info' : 'debug';
    const { pathname } = new URL(request.url);
    log[level]('request', {
      method: request.method,
      path: pathname,
      status,
      ms: Math.round(performance.now() - began),
    });
    return response;
  }

  const {
    port = 8787,
    host = '127.0.0.1',
    headersTimeoutMs,
    bodyTimeoutMs,
    keepAliveTimeoutMs,
    maxConnections,
  } = config;
  const server = await naming(from, () =>
    serve(handle, {
      port,
      host,
      closeTimeoutMs: drainTimeoutMs / 2,
      onError: (error) => log.error('a bug', { error: tell(error) }),
      ...(headersTimeoutMs !== undefined && { headersTimeoutMs }),
      ...(bodyTimeoutMs !== undefined && { bodyTimeoutMs }),
      ...(keepAliveTimeoutMs !== undefined && { keepAliveTimeoutMs }),
      ...(maxConnections !== undefined && { maxConnections }),
    }),
  ).catch(async (error) => {
    await collector.close();
    throw error;
  });

  return {
    url: server.url,
    /** Where events go, to be shown. */
    sink: name,
    state: collector.state,
    /** First nobody new, then what is queued. */
    async close() {
      await server.close();
      await collector.close();
    },
  };
}

/** @param {CollectConfig} config */
function collectorOptions({ keys, origins, path, limits, batch, ackTimeoutMs, sinkTimeoutMs, ledger }) {
  const { token, maxAgeMs } = ledger ?? {};
  return {
    ...(keys && { keys }),
    ...(origins && { origins }),
    ...(path !== undefined && { path }),
    ...(limits && { limits }),
    ...(batch && { batch }),
    ...(ackTimeoutMs !== undefined && { ackTimeoutMs }),
    ...(sinkTimeoutMs !== undefined && { sinkTimeoutMs }),
    ledger: { ...(token !== undefined && { token }), ...(maxAgeMs !== undefined && { maxAgeMs }) },
  };
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
    throw new UsageError(message.replace(/^`([^`]+)`/, (all, name) => from.get(name) ?? all));
  }
}
