#!/usr/bin/env node
/**
 * `npm start`: starts the demo and says where it is.
 */
import { StartError, startDemo } from './demo.mjs';
import { OptionError, readOptions, USAGE } from './options.mjs';

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
/** @param {string} code @param {string} text */
const paint = (code, text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
/** @param {string} text */
const bold = (text) => paint('1', text);
/** @param {string} text */
const dim = (text) => paint('2', text);
/** @param {string} text */
const link = (text) => paint('4;36', text);
/** @param {number} n */
const events = (n) => `${n.toLocaleString('en')} ${n === 1 ? 'event' : 'events'}`;

/** @param {Awaited<ReturnType<typeof startDemo>>} demo @param {string} db */
function banner(demo, db) {
  const before = demo.rows();
  const rows = [
    ['Shop', link(demo.site), 'a small site with Petrel in a script tag'],
    ['Live', link(`${demo.site}live`), 'what the collector received; break it there'],
    ['App', link(`${demo.site}app`), 'a single-page app that imports Petrel'],
    ['Tides', link(`${demo.site}tides`), 'an offline app with Petrel in its own worker'],
    ['Collector', link(demo.collector), 'where events are posted'],
    ['Database', db, before ? `${events(before)} from before` : 'new'],
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colour codes take no room
  const lengthOf = (/** @type {string} */ text) => text.replace(/\u001b\[[\d;]*m/g, '').length;
  const width = Math.max(...rows.map(([, value = '']) => lengthOf(value)));
  const lines = rows.map(([name = '', value = '', about = '']) => {
    return `  ${bold(name.padEnd(10))} ${value}${' '.repeat(width - lengthOf(value))}  ${dim(about)}`;
  });
  return `\n  ${bold('Petrel')} ${dim('demo')}\n\n${lines.join('\n')}\n\n  ${dim('Ctrl+C stops it. What is stored stays.')}\n`;
}

async function main() {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const demo = await startDemo(options);
  console.log(banner(demo, options.db));

  let stopping = false;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => {
      // The second time means now.
      if (stopping) process.exit(130);
      stopping = true;
      const stored = demo.rows();
      demo.close().then(
        () => {
          console.log(`\n  Closed, with ${events(stored)} in ${options.db}.\n`);
          process.exit(0);
        },
        (error) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
}

main().catch((error) => {
  if (error instanceof OptionError) {
    console.error(`\n  ${error.message}\n`);
    process.exit(2);
  }
  if (error instanceof StartError) {
    console.error(`\n  ${error.message}\n`);
    process.exit(1);
  }
  console.error(error);
  process.exit(1);
});
