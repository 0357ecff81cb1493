// `petrel gauntlet`: what a real browser's events go through on their way to your collector, and whether they all arrive.

import { parse as parseArgs, say, UsageError } from '../lib/command.mjs';
import { tellAnswer } from './endpoint.mjs';
import { findBrowser } from './find-browser.mjs';
import { isKept, lineOf, proofOf, tableOf, totalOf } from './report.mjs';
import { STORIES } from './stories.mjs';
import { tellStory } from './tell.mjs';
import { truthOfLedger, truthOfRows } from './truth.mjs';

/** @typedef {import('./tell.mjs').Told} Told */

const HELP = `Usage
  petrel gauntlet --endpoint <url>   outages, closed tabs, killed workers and browsers, in a real browser, against your collector

It sends a few thousand events whose names begin with gauntlet-; take an endpoint, or a key, that is for testing.

Options
  --endpoint <url>    where a tracker would post
  --key <key>         the tracker's write key
  --origin <origin>   tell the endpoint that the events come from this site, where it takes some sites only
  --header <header>   send this along, such as 'Authorization: Basic …'. More than once
  --rows <how>        how to see what is stored: a URL, or a command, that gives the name of each stored event; {run} becomes
                      what all names of this run begin with, as does PETREL_RUN in the command's environment
  --ledger-token <t>  see it in the ledger of a Petrel collector; else the environment's PETREL_LEDGER_TOKEN
  --patience <s>      how long a stored event may take to be seen (20)
  --only <names>      of the stories, such as refused,tabs
  --list              the stories
  --browser <path>    a Chromium or Chrome; else Playwright's, else the system's
  --json              for programs

Ends with 0 when no event was lost or doubled, with 1 when one was, with 2 when called wrongly.
`;

/**
 * @param {string[]} argv what follows `petrel gauntlet`
 * @returns {Promise<0 | 1>} the exit code
 */
export async function gauntlet(argv) {
  const values = parse(argv);
  if (values.help || values.list) {
    say(values.help ? HELP : listOf());
    return 0;
  }
  const stories = chosen(values.only);
  const run = `gauntlet-${Date.now().toString(36)}`;
  const world = { ...worldOf(values, run), browser: '' };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(130));
  const { path, version } = await findBrowser(values.browser);
  world.browser = path;

  /** @param {string} text */
  const progress = (text) => void process[values.json ? 'stderr' : 'stdout'].write(`${text}\n`);
  progress(`${version}, ${world.target.endpoint.href}, events named ${run}-…\n`);
  await knock(world, progress);

  /** @type {Told[]} */
  const told = [];
  for (const [i, story] of stories.entries()) {
    progress(`        ${i + 1} of ${stories.length}: ${story.title}`);
    const one = await tellStory(story, i + 1, world);
    told.push(one);
    progress(lineOf(one));
  }

  const { proven, unproven } = proofOf(told, world.truth);
  if (values.json) {
    const report = { run, endpoint: world.target.endpoint.href, browser: version, kept: told.every(isKept) };
    say(JSON.stringify({ ...report, proven, unproven, total: totalOf(told), stories: told }, null, 2));
  } else {
    const [failure] = told.flatMap((one) => one.failures);
    const own = failure
      ? `of itself, the endpoint ${tellAnswer(failure)}
`
      : '';
    say(`\n${tableOf(told)}\n${own}\n${proven.map((line) => `proven: ${line}`).join('\n')}`);
    for (const line of unproven) say(`not proven: ${line}`);
  }
  return told.every(isKept) ? 0 : 1;
}

/** @type {import('./tell.mjs').Story} */
const KNOCK = {
  name: 'knock',
  title: 'one event on a good day',
  lastVisitMs: 0,
  run: async ({ open, track, door }) => {
    const tab = await open();
    const answered = door.end();
    await track(tab, 1);
    await answered;
  },
};

/**
 * One event on a good day. An endpoint that does not take it, or a way to look that does not show it, would make every story a loss.
 *
 * @param {import('./tell.mjs').World} world
 * @param {(text: string) => void} progress
 */
async function knock(world, progress) {
  const told = await tellStory(KNOCK, 0, world);
  const { acknowledged, stored, failures, broken } = told;
  const failure = failures[0];
  if (failure) throw new Error(`${world.target.endpoint.href} ${tellAnswer(failure)}${hintOf(failure)}`);
  if (acknowledged === 0) {
    const why = Object.entries(told.refused)[0]?.[0] ?? broken[0] ?? 'no request came from the browser';
    throw new Error(`the first event did not get to ${world.target.endpoint.href}: ${why}`);
  }
  if (stored === 0) {
    throw new Error(
      `the endpoint acknowledged the first event, and ${world.truth?.from} does not show it: it is lost, comes later (--patience), or is looked for in the wrong place`,
    );
  }
  progress(`the first event arrived${world.truth ? `, and is there by ${world.truth.from}` : ''}\n`);
}

/** @param {import('./endpoint.mjs').EndpointAnswer} answer */
function hintOf({ status, readable, words }) {
  if (status === 401) return '\n  --key gives the tracker a write key';
  if (status === 403 || (!readable && status !== undefined && words.includes('origin')))
    return '\n  --origin names the site it is to come from';
  return '';
}

function listOf() {
  const width = Math.max(...STORIES.map(({ name }) => name.length));
  return STORIES.map(({ name, title }) => `${name.padEnd(width)}  ${title}`).join('\n');
}

/** @param {string | undefined} only */
function chosen(only) {
  if (only === undefined) return STORIES;
  const names = only.split(',').map((name) => name.trim());
  return names.map((name) => {
    const story = STORIES.find((each) => each.name === name);
    if (!story) throw new UsageError(`--only: there is no story \`${name}\`; --list shows them`);
    return story;
  });
}

/** @param {string[]} argv */
function parse(argv) {
  return parseArgs(argv, {
    endpoint: { type: 'string' },
    key: { type: 'string' },
    origin: { type: 'string' },
    header: { type: 'string', multiple: true },
    rows: { type: 'string' },
    'ledger-token': { type: 'string' },
    patience: { type: 'string' },
    only: { type: 'string' },
    list: { type: 'boolean' },
    browser: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  }).values;
}

/**
 * @param {ReturnType<typeof parse>} values
 * @param {string} run
 */
function worldOf({ endpoint, key, origin, header = [], rows, patience = '20', 'ledger-token': token }, run) {
  if (endpoint === undefined) throw new UsageError('`petrel gauntlet` needs --endpoint');
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new UsageError(`--endpoint ${endpoint} is not an address of the web`);
  }
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
    throw new UsageError(`--origin must be one such as https://shop.example, not ${origin}`);
  }
  if (!/^\d{1,4}$/.test(patience)) throw new UsageError(`--patience must be a number of seconds, not ${patience}`);
  if (rows !== undefined && token !== undefined) throw new UsageError('--rows or --ledger-token, not both');
  const headers = header.map((line) => {
    const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new UsageError(`--header must be \`Name: value\`, not ${line}`);
    return /** @type {[string, string]} */ ([name, value]);
  });
  const url = new URL(endpoint);
  const secret = token ?? (rows === undefined ? process.env.PETREL_LEDGER_TOKEN : undefined);
  const truth = rows !== undefined ? truthOfRows(rows, run) : secret ? truthOfLedger(url, secret) : undefined;
  return {
    run,
    target: { endpoint: url, headers, ...(origin !== undefined && { origin }) },
    ...(key !== undefined && { key }),
    ...(truth && { truth }),
    patienceMs: Number(patience) * 1_000,
  };
}
