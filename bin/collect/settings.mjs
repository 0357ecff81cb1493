// What `petrel collect` can be told, and by whom: a flag goes before the environment, the environment before the config file.

import { parse, UsageError } from '../lib/command.mjs';
import { LEVELS } from './log.mjs';

/** @typedef {import('../../dist/server/index.js').CollectConfig} CollectConfig */

/**
 * @typedef {object} Setting
 * @property {string} name as in the config file; a dot is a level
 * @property {'text' | 'number' | 'list'} kind
 * @property {string} [flag] where it is not the name, in the way of flags
 * @property {string} [help] what the help says; without, it is in docs/running.md alone
 * @property {readonly string[]} [choices] of the text, or of a list's entries
 */

/** As the collector has them, which need not be built to read flags. */
export const FORMATS = ['segment', 'cloudevents', 'otlp', 'ndjson'];

/** @type {Setting[]} */
export const SETTINGS = [
  { name: 'db', kind: 'text', help: 'the file of the embedded database (petrel.db)' },
  { name: 'sink', kind: 'text', help: 'where events go instead, by its address: see below' },
  { name: 'port', kind: 'number', help: 'port to listen on, 0 for a free one (8787)' },
  { name: 'host', kind: 'text', help: 'address to listen on; 0.0.0.0 for all (127.0.0.1)' },
  { name: 'keys', kind: 'list', flag: 'key', help: 'a write key that bodies may carry; once for each (any)' },
  { name: 'origins', kind: 'list', flag: 'origin', help: 'pages that may post, such as https://shop.example (all)' },
  { name: 'path', kind: 'text', help: 'the path to post to, such as /events (all)' },
  {
    name: 'formats',
    kind: 'list',
    choices: FORMATS,
    help: `what is read besides Petrel’s own: ${FORMATS.join(', ')}, by commas, or none (all)`,
  },
  { name: 'rates.perAddress', kind: 'number', help: 'requests a second from one address (any)' },
  { name: 'rates.perAddressBurst', kind: 'number' },
  { name: 'rates.perKey', kind: 'number', help: 'events a second with one write key (any)' },
  { name: 'rates.perKeyBurst', kind: 'number' },
  { name: 'trustProxy', kind: 'number', help: 'proxies of your own whose X-Forwarded-For is believed (0)' },
  { name: 'privacy.ip', kind: 'text', help: 'drop, truncate or keep visitors’ addresses (drop)' },
  { name: 'privacy.gpc', kind: 'text', help: 'Sec-GPC: anonymous or ignore (anonymous)' },
  { name: 'metrics', kind: 'text', help: 'who may read GET /metrics: open, or a token (nobody)' },
  { name: 'tail', kind: 'text', help: 'a token for GET /tail, the events as they arrive (nobody)' },
  { name: 'ledger.token', kind: 'text', help: 'who may read GET /ledger; better in the environment (nobody)' },
  { name: 'ledger.db', kind: 'text', help: 'a file for the ledger, where the sink keeps none' },
  { name: 'ledger.maxAgeMs', kind: 'number' },
  { name: 'limits.maxBodyBytes', kind: 'number' },
  { name: 'limits.maxInflatedBytes', kind: 'number' },
  { name: 'limits.maxEvents', kind: 'number' },
  { name: 'limits.maxEventBytes', kind: 'number' },
  { name: 'limits.maxExpandedBytes', kind: 'number' },
  { name: 'limits.maxReadingBytes', kind: 'number' },
  { name: 'batch.maxBatchSize', kind: 'number' },
  { name: 'batch.maxBatchAgeMs', kind: 'number' },
  { name: 'batch.maxBatchBytes', kind: 'number' },
  { name: 'batch.flushConcurrency', kind: 'number' },
  { name: 'batch.maxEvents', kind: 'number' },
  { name: 'batch.maxBytes', kind: 'number' },
  { name: 'ackTimeoutMs', kind: 'number' },
  { name: 'sinkTimeoutMs', kind: 'number' },
  { name: 'headersTimeoutMs', kind: 'number' },
  { name: 'bodyTimeoutMs', kind: 'number' },
  { name: 'keepAliveTimeoutMs', kind: 'number' },
  { name: 'maxConnections', kind: 'number' },
  { name: 'drainDelayMs', kind: 'number', help: 'how long to serve on after SIGTERM, not ready, in ms (0)' },
  { name: 'drainTimeoutMs', kind: 'number', help: 'how long ending may take, in ms (9000)' },
  { name: 'logLevel', kind: 'text', choices: LEVELS, help: 'debug (each request), info, warn or error (info)' },
];

/** @param {string} name */
const words = (name) => name.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split('.');

/** @param {Setting} setting */
export const flagOf = ({ name, flag }) => flag ?? words(name).join('-');

/** @param {Setting} setting */
export const variableOf = ({ name }) => `PETREL_${words(name).join('_').toUpperCase()}`;

/** Read by other commands, or here before the rest. */
const OTHER_VARIABLES = /^PETREL_(CONFIG|DEMO_.*)$/;

/**
 * The flags, as they were given.
 *
 * @param {string[]} argv
 * @returns {Record<string, string | string[] | boolean | undefined>}
 * @throws UsageError
 */
export function parseFlags(argv) {
  return parse(argv, {
    ...Object.fromEntries(
      SETTINGS.map((setting) => [
        flagOf(setting),
        /** @type {const} */ ({ type: 'string', multiple: setting.kind === 'list' }),
      ]),
    ),
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  }).values;
}

/**
 * Puts together what the three say.
 *
 * @param {object} given
 * @param {ReturnType<typeof parseFlags>} given.flags
 * @param {NodeJS.ProcessEnv} given.env
 * @param {{ path: string, config: Record<string, unknown> } | undefined} given.file
 * @returns {{ config: CollectConfig, from: Map<string, string>, unknown: string[] }} the settings; who said each, in words; and
 * variables of the environment that look like settings and are none
 * @throws UsageError naming who said what is wrong
 */
export function mergeSettings({ flags, env, file }) {
  /** @type {Map<string, unknown>} */
  const values = new Map();
  /** @type {Map<string, string>} */
  const from = new Map();
  for (const [name, value] of file ? leaves(file.config, file.path) : []) {
    values.set(name, value);
    from.set(name, `\`${name}\` in ${file?.path}`);
  }
  for (const setting of SETTINGS) {
    const { name } = setting;
    const [flag, variable] = [flagOf(setting), variableOf(setting)];
    const said = flags[flag];
    if (said !== undefined) {
      values.set(name, read(setting, /** @type {string | string[]} */ (said), `--${flag}`));
      from.set(name, `--${flag}`);
    } else if (env[variable]) {
      // An empty variable is one that is not set, as in shells.
      values.set(name, read(setting, env[variable], variable));
      from.set(name, variable);
    }
  }
  exclude('db', 'sink');
  const known = new Set(SETTINGS.map(variableOf));
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith('PETREL_') && !known.has(name) && !OTHER_VARIABLES.test(name),
  );
  return { config: nest(values), from, unknown };

  /**
   * Two that exclude each other: who is heard first wins, and of equals neither.
   * @param {string} one @param {string} other
   */
  function exclude(one, other) {
    const [first, second] = [from.get(one), from.get(other)];
    if (!first || !second) return;
    const rank = (/** @type {string} */ words) => (words.startsWith('--') ? 2 : words.startsWith('`') ? 0 : 1);
    if (rank(first) === rank(second)) throw new UsageError(`${first} and ${second} exclude each other: give one`);
    const loser = rank(first) < rank(second) ? one : other;
    values.delete(loser);
    from.delete(loser);
  }
}

/**
 * @param {Setting} setting
 * @param {string | string[]} said
 * @param {string} by
 */
function read({ name, kind, choices }, said, by) {
  // In the environment a list is separated by commas.
  if (kind === 'list') {
    // No choice has a comma in it, so there a flag may have several too.
    const entries = typeof said === 'string' ? said.split(',') : choices ? said.join().split(',') : said;
    const list = entries.map((entry) => entry.trim());
    if (list.includes('')) throw new UsageError(`${by} has an entry that is empty`);
    if (choices) return list.length === 1 && list[0] === 'none' ? [] : among(choices, list, by);
    return name === 'origins' && list.length === 1 && list[0] === '*' ? '*' : list;
  }
  const text = String(said).trim();
  if (text === '') throw new UsageError(`${by} must not be empty`);
  if (kind === 'number') {
    if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${by} must be a whole number, not ${JSON.stringify(text)}`);
    return Number(text);
  }
  if (choices && !choices.includes(text)) {
    throw new UsageError(`${by} must be one of ${choices.join(', ')}, not ${JSON.stringify(text)}`);
  }
  return text;
}

/**
 * @param {readonly string[]} choices
 * @param {readonly unknown[]} list
 * @param {string} by
 */
function among(choices, list, by) {
  const strange = list.find((entry) => !choices.some((choice) => choice === entry));
  if (strange === undefined) return list;
  throw new UsageError(`${by} must be some of ${choices.join(', ')}, or none, not ${JSON.stringify(strange)}`);
}

/**
 * The settings of a config file, each by its whole name.
 *
 * @param {Record<string, unknown>} config
 * @param {string} path
 * @returns {[string, unknown][]}
 */
function leaves(config, path, prefix = '') {
  const groups = new Set(SETTINGS.flatMap(({ name }) => (name.includes('.') ? [name.split('.')[0]] : [])));
  return Object.entries(config).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const name = prefix + key;
    const setting = SETTINGS.find((one) => one.name === name);
    if (setting) {
      check(setting, value, `\`${name}\` in ${path}`);
      return [[name, value]];
    }
    if (!groups.has(name)) {
      // The engine's finer options are for files only; createCollector checks them.
      if (prefix === 'batch.') return [[name, value]];
      throw new UsageError(`\`${name}\` in ${path} is not a setting`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new UsageError(`\`${name}\` in ${path} must be an object`);
    }
    return leaves(/** @type {Record<string, unknown>} */ (value), path, `${name}.`);
  });
}

/**
 * What createCollector and serve would not find, or not understand. Ranges are theirs to check.
 *
 * @param {Setting} setting
 * @param {unknown} value
 * @param {string} by
 */
function check({ name, kind, choices }, value, by) {
  if (name === 'origins' || (name === 'sink' && typeof value === 'function')) return;
  const fits = kind === 'list' ? Array.isArray(value) : typeof value === (kind === 'text' ? 'string' : 'number');
  const expected = { text: 'text', number: 'a number', list: 'a list' }[kind];
  if (!fits) throw new UsageError(`${by} must be ${expected}, not ${JSON.stringify(value)?.slice(0, 100)}`);
  if (value === '') throw new UsageError(`${by} must not be empty`);
  if (choices && kind === 'list') among(choices, /** @type {unknown[]} */ (value), by);
  else if (choices && !choices.includes(String(value))) {
    throw new UsageError(`${by} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`);
  }
}

/**
 * @param {Map<string, unknown>} values
 * @returns {CollectConfig}
 */
function nest(values) {
  /** @type {Record<string, unknown>} */
  const config = {};
  for (const [name, value] of values) {
    const [group, key] = name.split('.');
    if (key === undefined) config[name] = value;
    else config[group ?? ''] = { .../** @type {object} */ (config[group ?? ''] ?? {}), [key]: value };
  }
  return config;
}
