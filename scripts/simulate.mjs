// `npm run simulate`: what a crowd of trackers does to a server that was away, with Petrel's own retry code and with the policies of
// other SDKs. Prints a table; `--record` writes it, and the picture, into docs/.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawStorm } from './simulate/chart.mjs';
import { policies } from './simulate/policies.mjs';
import { simulate } from './simulate/world.mjs';

const HELP = `npm run simulate -- [options]
  --clients N       browsers with a page open (1000 to 2000000)     100000
  --outage S        how long the server is away, in seconds            600
  --capacity X      what it can do, as a multiple of its normal load     2
  --only a,b        of ${policies()
    .map(({ id }) => id)
    .join(', ')}
  --refused         the server does not answer at all, in place of 503
  --set name=value  an option of Petrel's engine, such as maxPauseMs=60000
  --seed N          repeats a run                                        1
  --record          writes docs/storms.md's table and docs/storms.svg
  --json            prints JSON`;

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '100000' },
    outage: { type: 'string', default: '600' },
    capacity: { type: 'string', default: '2' },
    only: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    refused: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}

/** @param {'clients' | 'outage' | 'capacity' | 'seed'} name @param {number} min @param {number} max */
function number(name, min, max) {
  const value = Number(values[name]);
  if (!(value >= min && value <= max)) {
    console.error(`--${name} must be a number from ${min} to ${max}, not ${values[name]}`);
    process.exit(2);
  }
  return value;
}

/** @type {import('./simulate/world.mjs').Setting} */
const setting = {
  clients: number('clients', 1_000, 2_000_000),
  eventEveryS: 20,
  loadEveryS: 60,
  beforeS: 60,
  outageS: number('outage', 10, 7_200),
  afterS: 1_800,
  capacity: number('capacity', 1.1, 100),
  outageStatus: values.refused ? 0 : 503,
  seed: number('seed', 0, 2 ** 32),
};
const crowd = policies(
  Object.fromEntries(values.set.map((pair) => pair.split('=')).map(([name, value]) => [name, Number(value)])),
);
const wanted = values.only?.split(',');
const strangers = wanted?.filter((id) => !crowd.some((policy) => policy.id === id)) ?? [];
if (strangers.length > 0) {
  console.error(`no such policy: ${strangers.join(', ')}`);
  process.exit(2);
}

const results = [];
for (const policy of crowd.filter(({ id }) => !wanted || wanted.includes(id))) {
  results.push(simulate(policy, setting));
  if (!values.json) process.stderr.write(`${policy.name} `);
}
process.stderr.write('\n');

const rows = results.map(({ policy, attempts, peak, overloadS, drainS, lost }) => [
  policy.name,
  attempts.toFixed(1),
  `${peak.toFixed(1)}×`,
  `${overloadS} s`,
  drainS === undefined ? 'not in 30 min' : `${Math.round(drainS)} s`,
  `${(lost * 100).toFixed(lost > 0 && lost < 0.01 ? 2 : 0)} %`,
  policy.about,
]);
const head = [
  '',
  'requests per browser and minute, server away',
  'peak afterwards, of capacity',
  'overloaded for',
  'backlog gone after',
  'lost',
  'how',
];
const table = [head, ['---', '--:', '--:', '--:', '--:', '--:', '---'], ...rows]
  .map((row) => `| ${row.join(' | ')} |`)
  .join('\n');

if (values.json)
  console.log(JSON.stringify({ setting, results: results.map(({ policy, ...rest }) => ({ id: policy.id, ...rest })) }));
else console.log(table);

if (values.record) {
  const docs = fileURLToPath(new URL('../docs/', import.meta.url));
  const page = `${docs}storms.md`;
  const about = `${setting.clients.toLocaleString('en')} browsers, an event every ${setting.eventEveryS} s each, server away for ${setting.outageS / 60} min, capacity ${setting.capacity} times the normal load.`;
  mkdirSync(docs, { recursive: true });
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(
      /(<!-- figures -->)[\s\S]*(<!-- \/figures -->)/,
      (_, from, to) => `${from}\n${about}\n\n${table}\n${to}`,
    ),
  );
  writeFileSync(`${docs}storms.svg`, drawStorm(results, setting));
}
