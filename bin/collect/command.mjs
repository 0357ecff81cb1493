// `petrel collect`: a collector as a process.

import { parse as parsePath } from 'node:path';
import { say, version } from '../lib/command.mjs';
import { findConfigFile, readConfigFile } from './config-file.mjs';
import { createLog, tell } from './log.mjs';
import { checkConfig, DRAIN_TIMEOUT_MS, LIVE_SETTINGS, startCollector } from './running.mjs';
import { flagOf, mergeSettings, parseFlags, SETTINGS } from './settings.mjs';
import { SINKS } from './sinks.mjs';

/** @typedef {import('../../dist/server/index.js').CollectConfig} CollectConfig */
/** @typedef {import('./log.mjs').Log} Log */

/** @param {[string, string][]} rows */
const table = (rows) => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const HELP = `Usage
  petrel collect                        a collector at http://127.0.0.1:8787/, its database in petrel.db
  petrel collect --db events.db --port 8787 --key shop --origin https://shop.example

Options (the environment has the same names: PETREL_PORT, PETREL_KEYS=a,b; petrel.config.{ts,mjs,js,json} too)
${table([
  ...SETTINGS.flatMap((setting) =>
    setting.help
      ? [
          /** @type {[string, string]} */ ([
            `--${flagOf(setting)} <${setting.kind === 'number' ? 'n' : '…'}>`,
            setting.help,
          ]),
        ]
      : [],
  ),
  ['--config <file>', 'the config file (petrel.config.* in the working folder)'],
  ['-h, --help', 'this text'],
])}

A flag goes before the environment, the environment before the config file. docs/running.md has all settings.

Sinks
${table(SINKS.map(({ form, help }) => [form, help]))}

Logs JSON lines to stderr. SIGHUP reads the config file again. SIGTERM or SIGINT: takes no more requests, answers those under way, stores what is queued, ends with 0.
Ends with 1 when it cannot start or not store everything in time, with 2 when called wrongly.
`;

const NO_KEY = 'no write key is set: whoever reaches this collector may post';

/** How much longer than the drain may take, in ms: what hangs then will not end by itself. */
const GRACE_MS = 500;

/**
 * How long a second signal is taken for the first one again, in ms: of Ctrl-C the process hears from the terminal, and from npx, which
 * heard of it too.
 */
const REPEAT_MS = 500;

/** @param {string[]} argv what follows `petrel collect` */
export async function collect(argv) {
  const flags = parseFlags(argv);
  if (flags.help) return say(HELP);
  const { path, config, from, unknown } = await readSettings(flags);

  const log = createLog(config.logLevel ?? 'info');
  // Who reads the log may go away; that is no reason to stop collecting.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  for (const name of unknown) log.warn('a variable of the environment that is no setting', { name });
  const collector = await startCollector(config, from, log);
  const end = ending(collector, config, log);
  process.on('SIGHUP', reloading(collector, flags, config, log));
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => end(signal));
  process.on('uncaughtException', (error) => {
    log.error('a bug; nothing that was acknowledged is lost', { error: tell(error), stack: error.stack });
    process.exit(1);
  });

  const { url, sink } = collector;
  log.info('listening', {
    version,
    pid: process.pid,
    url,
    sink,
    ...(path !== undefined && { config: parsePath(path).base }),
  });
  if (!config.keys) log.warn(NO_KEY);
  say(`petrel ${version} collects at ${url}/ into ${sink}`);
}

/** @param {ReturnType<typeof parseFlags>} flags */
async function readSettings(flags) {
  const { env } = process;
  const path = findConfigFile(/** @type {string | undefined} */ (flags.config) ?? (env.PETREL_CONFIG || undefined));
  const file = path === undefined ? undefined : await readConfigFile(path);
  const { config, from, unknown } = mergeSettings({ flags, env, file });
  await checkConfig(config, from);
  return { path, config, from, unknown };
}

/**
 * What SIGHUP does: the config file's settings are put to use where they can be; what is wrong changes nothing.
 *
 * @param {Awaited<ReturnType<typeof startCollector>>} collector
 * @param {ReturnType<typeof parseFlags>} flags
 * @param {CollectConfig} started what it was started with
 * @param {Log} log
 */
function reloading(collector, flags, started, log) {
  /** One at a time, in their order. */
  let last = Promise.resolve();
  async function reload() {
    try {
      const { config } = await readSettings(flags);
      collector.reload(config);
      const needRestart = [...new Set([...Object.keys(started), ...Object.keys(config)])].filter(
        (name) => !LIVE_SETTINGS.some((live) => live === name) && differ(name),
      );
      log.info('reloaded', { keys: config.keys?.length ?? 'any', ...(needRestart.length > 0 && { needRestart }) });
      if (!config.keys) log.warn(NO_KEY);

      /** @param {string} name */
      function differ(name) {
        const [before, after] = [started, config].map((all) => /** @type {Record<string, unknown>} */ (all)[name]);
        // A function is another one each time the file is read.
        return typeof before !== typeof after || JSON.stringify(before) !== JSON.stringify(after);
      }
    } catch (error) {
      log.error('not reloaded: all stays as it was', { error: tell(error) });
    }
  }
  return () => {
    last = last.then(reload);
  };
}

/**
 * What a signal does: the first drains, another does not wait for it.
 *
 * @param {Awaited<ReturnType<typeof startCollector>>} collector
 * @param {CollectConfig} config
 * @param {Log} log
 * @returns {(signal: 'SIGTERM' | 'SIGINT') => void}
 */
function ending(collector, { drainTimeoutMs = DRAIN_TIMEOUT_MS, drainDelayMs = 0 }, log) {
  let endingSince = 0;
  return (signal) => {
    if (endingSince > 0) {
      if (performance.now() - endingSince < REPEAT_MS) return;
      log.warn('told to end again: not waiting', { signal, ...collector.state() });
      process.exit(1);
    }
    endingSince = performance.now();
    log.info('draining', { signal, ...collector.state() });
    /** @param {string} why @param {object} [more] */
    const giveUp = (why, more) => {
      log.error(why, { ...collector.state(), ...more });
      process.exit(1);
    };
    setTimeout(
      () => giveUp('not drained in time; what waited was not acknowledged'),
      drainDelayMs + drainTimeoutMs + GRACE_MS,
    );
    collector.drain();
    const delayed = new Promise((resolve) => setTimeout(resolve, drainDelayMs));
    delayed.then(collector.close).then(
      () => {
        if (collector.state().waitingEvents > 0) giveUp('not all was stored; what waited was not acknowledged');
        log.info('stopped');
        process.exit(0);
      },
      (error) => giveUp('the sink failed while it was closed', { error: tell(error) }),
    );
  };
}
