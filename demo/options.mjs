/**
 * The demo's command line and environment. Everything is checked before anything is started.
 */
import { parseArgs } from 'node:util';

/** A wrong flag or variable: told in one line, exit code 2. */
export class OptionError extends Error {}

/**
 * @typedef {object} DemoOptions
 * @property {number} port Port of the site; 0 takes a free one.
 * @property {number} collectorPort Port of the collector; 0 takes a free one.
 * @property {string} host Address both listen on.
 * @property {string} db Path of the database file.
 */

const DEFAULTS = { port: '4700', collectorPort: '4701', host: '127.0.0.1', db: '.petrel/demo.db' };

export const USAGE = `Usage: npm start -- [options]

Starts the demo shop, the live page and a collector with its database.

  -p, --port <n>            port of the site, 0 for a free one     ${DEFAULTS.port}        PETREL_DEMO_PORT
  -c, --collector-port <n>  port of the collector, 0 for a free one ${DEFAULTS.collectorPort}       PETREL_DEMO_COLLECTOR_PORT
      --host <address>      address to listen on                   ${DEFAULTS.host}   PETREL_DEMO_HOST
      --db <file>           database file, made when missing       ${DEFAULTS.db}  PETREL_DEMO_DB
  -h, --help                this text

A flag wins over its environment variable. Beyond localhost a browser needs https for service workers; over plain http
Petrel then runs in the page instead. Exit codes: 0 stopped, 1 could not start, 2 wrong options.
`;

/**
 * @param {string[]} args
 * @param {Record<string, string | undefined>} env
 * @returns {DemoOptions | 'help'}
 * @throws {OptionError}
 */
export function readOptions(args, env) {
  let flags;
  try {
    flags = parseArgs({
      args,
      options: {
        port: { type: 'string', short: 'p' },
        'collector-port': { type: 'string', short: 'c' },
        host: { type: 'string' },
        db: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    // Node's message goes on with advice about positionals, which there are none of here.
    const [message] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new OptionError(`${message?.replace(/\.$/, '')}. See --help.`);
  }
  if (flags.help) return 'help';

  /** @param {string | undefined} flag @param {string} name @param {string} variable @param {string} fallback */
  const pick = (flag, name, variable, fallback) => {
    if (flag !== undefined) return { value: flag, from: `--${name}` };
    const set = env[variable];
    // An empty variable is an unset one, as in shells.
    if (set) return { value: set, from: variable };
    return { value: fallback, from: `--${name}` };
  };

  const port = portOf(pick(flags.port, 'port', 'PETREL_DEMO_PORT', DEFAULTS.port));
  const collector = pick(
    flags['collector-port'],
    'collector-port',
    'PETREL_DEMO_COLLECTOR_PORT',
    // One port given and not the other: the collector moves along, unless the site takes any free one.
    port === 0 ? '0' : port === Number(DEFAULTS.port) ? DEFAULTS.collectorPort : String(port + 1),
  );
  const collectorPort = portOf(collector);
  if (port !== 0 && port === collectorPort) {
    throw new OptionError(`The site and the collector cannot share port ${port}; give \`${collector.from}\` another.`);
  }
  const host = pick(flags.host, 'host', 'PETREL_DEMO_HOST', DEFAULTS.host);
  const db = pick(flags.db, 'db', 'PETREL_DEMO_DB', DEFAULTS.db);
  for (const { value, from } of [host, db]) {
    if (value.trim() === '') throw new OptionError(`\`${from}\` must not be empty.`);
  }
  return { port, collectorPort, host: host.value, db: db.value };
}

/** @param {{ value: string, from: string }} given */
function portOf({ value, from }) {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > 65_535) {
    throw new OptionError(`\`${from}\` must be a whole number from 0 to 65535, not ${JSON.stringify(value)}.`);
  }
  return port;
}
