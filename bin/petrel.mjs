#!/usr/bin/env node
// The command line: finds the command and turns what it throws into a line and an exit code.

import { say, UsageError, version } from './lib/command.mjs';

/**
 * A command takes what follows its name. Its exit code is what it returns (nothing: 0), 2 when it throws a UsageError, 1 when it
 * throws anything else. Each is loaded when it is asked for, so that one whose database is not installed does not keep the others
 * from working.
 *
 * @typedef {object} Command
 * @property {string[][]} usage lines of the help: a call, and what it does
 * @property {() => Promise<(argv: string[]) => Promise<number | void>>} load
 */

/** @type {Record<string, Command>} */
const COMMANDS = {
  collect: {
    usage: [['collect [--db <file>] [--port <n>] [--key <key>]', 'run a collector']],
    load: async () => (await import('./collect/command.mjs')).collect,
  },
  init: {
    usage: [
      ['init <public-dir>', 'copy the worker (petrel-sw.js) into the folder your site is served from'],
      ['init <public-dir> --check', 'change nothing; exit with 1 when the copy is missing or of another release'],
    ],
    load: async () => (await import('./init/command.mjs')).initCommand,
  },
  consume: {
    usage: [['consume --from <nats://…> --sink <…>', 'bring events from a stream into a store']],
    load: async () => (await import('./consume/command.mjs')).consume,
  },
  query: {
    usage: [['query "select …"', 'ask a collector’s database: a table, --csv or --json']],
    load: async () => (await import('./query/command.mjs')).query,
  },
  tail: {
    usage: [['tail [--db <file>] [--url <address>]', 'follow events as they arrive']],
    load: async () => (await import('./tail/command.mjs')).tail,
  },
  ledger: {
    usage: [['ledger --db <file>', 'what a collector received, and what is missing']],
    load: async () => (await import('./ledger/command.mjs')).ledger,
  },
  gauntlet: {
    usage: [
      ['gauntlet --endpoint <url>', 'outages, closed tabs and crashes, in a real browser, against your collector'],
    ],
    load: async () => (await import('./gauntlet/command.mjs')).gauntlet,
  },
};

function help() {
  const lines = Object.values(COMMANDS).flatMap(({ usage }) => usage);
  const width = Math.max(...lines.map(([call = '']) => call.length));
  return `petrel ${version}

Usage
${lines.map(([call = '', does]) => `  petrel ${call.padEnd(width)}   ${does}`).join('\n')}

Options
  -h, --help     this text; \`petrel <command> --help\` that of a command
  -v, --version  the version
`;
}

/** @param {string[]} argv */
async function main([name, ...argv]) {
  if (name === '--version' || name === '-v') return say(version);
  if (name === '--help' || name === '-h' || name === 'help') return say(help());
  if (name === undefined) throw new UsageError('no command given');
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`unknown command \`${name}\``);
  const run = await command.load();
  process.exitCode = (await run(argv)) ?? 0;
}

/** For the hint below. */
const command = process.argv[2] ?? '';

try {
  await main(process.argv.slice(2));
} catch (error) {
  const usage = /** @type {Error} */ (error).name === 'UsageError';
  process.stderr.write(`petrel: ${/** @type {Error} */ (error).message}\n`);
  if (usage) {
    process.stderr.write(
      `\`petrel ${Object.hasOwn(COMMANDS, command) ? `${command} ` : ''}--help\` shows how it is used\n`,
    );
  }
  process.exitCode = usage ? 2 : 1;
}
