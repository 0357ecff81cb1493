// `npm run bench`: Petrel, the other SDKs and the two limits (an empty page, a bare queue in a worker) side by side.
// What is measured, and how, is in docs/bench.md.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, installPeers, petrelIsBuilt } from './lib/bundle.mjs';
import { drawChart } from './lib/chart.mjs';
import { createCollector } from './lib/collector.mjs';
import { readOptions } from './lib/options.mjs';
import { compare, evaluate, markdown, summaryOf, tables } from './lib/report.mjs';
import { schedule } from './lib/schedule.mjs';
import { sdkOf } from './lib/sdks.mjs';
import { createSite } from './lib/site.mjs';
import { visit } from './lib/visit.mjs';
import { clicks, durable } from './scenarios/click.mjs';
import { drain } from './scenarios/drain.mjs';
import { growth } from './scenarios/growth.mjs';
import { idle } from './scenarios/idle.mjs';
import { startup } from './scenarios/startup.mjs';
import { bursts, steady } from './scenarios/stream.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const recordedPath = join(root, 'docs/bench.json');

/**
 * @typedef {object} Scenario
 * @property {(visit: import('./lib/visit.mjs').Visit) => Promise<object>} run
 * @property {number[]} rates How much the main thread is slowed down, as with a cheaper device.
 * @property {number} [mostRuns]
 * @property {(sdk: import('./lib/sdks.mjs').Sdk) => boolean} [takes] Which SDKs it makes sense for.
 */

/** @type {Record<string, Scenario>} */
const SCENARIOS = {
  bursts: { run: bursts, rates: [1, 4] },
  steady: { run: steady, rates: [1] },
  click: { run: clicks, rates: [1, 4] },
  startup: { run: startup, rates: [1, 4] },
  growth: { run: growth, rates: [1], mostRuns: 3 },
  durable: { run: durable, rates: [1], mostRuns: 3, takes: (sdk) => sdk.durable === true },
  drain: { run: drain, rates: [1], mostRuns: 3, takes: (sdk) => sdk.id === 'petrel' },
  idle: { run: idle, rates: [1], mostRuns: 1 },
};

/**
 * One run of a scenario with an SDK.
 * @typedef {object} Sample
 * @property {string} sdk
 * @property {string} scenario
 * @property {number} rate
 * @property {any} [result]
 * @property {string} [error]
 */

/** @param {import('./lib/options.mjs').Options} options */
async function main(options) {
  const petrel = petrelIsBuilt();
  if (!petrel) console.log('dist/ is not complete, so Petrel is left out: `npm run build`');
  const sdks = options.sdks.filter((id) => id !== 'petrel' || petrel).map(sdkOf);
  if (sdks.some((sdk) => sdk.package)) installPeers();

  /** @type {Map<string, import('./lib/bundle.mjs').Bundle>} */
  const bundles = new Map();
  for (const sdk of sdks) bundles.set(sdk.id, await bundle(sdk));
  const site = await createSite(bundles);
  const collector = await createCollector();
  const out = options.out ?? join(root, 'e2e/bench/results');
  mkdirSync(out, { recursive: true });
  const kept = join(out, 'samples.json');
  const what = { engine: options.engine, quick: options.quick, weights: bundles.get('petrel')?.weights };
  /** @type {Sample[]} */
  const samples = options.resume ? resumed(readJson(kept), what) : [];
  let browser = samples.find(({ result }) => result)?.result.version ?? '';

  const finish = () => {
    const result = {
      measuredAt: new Date().toISOString(),
      machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`,
      node: process.version,
      browser,
      quick: options.quick,
      sdks: sdks.map(({ id, name, queue, package: from }) => ({
        ...{ id, name, queue, package: from },
        ...{ version: bundles.get(id)?.version, weights: bundles.get(id)?.weights },
      })),
      samples,
    };
    return evaluate(result);
  };

  try {
    const end = performance.now() + options.minutes * 60_000;
    for (const { sdk, name, scenario, rate, run, left } of schedule(cellsOf(options, sdks), options.runs, samples)) {
      if (performance.now() > end) {
        console.log(`${options.minutes} minutes are over; --resume goes on`);
        break;
      }
      const title = `${name} ${sdk.id}${rate > 1 ? ` ×${rate}` : ''}`;
      process.stderr.write(`run ${run} of ${options.runs}, ${left} to go: ${title}\n`);
      /** @type {Sample} */
      const sample = { sdk: sdk.id, scenario: name, rate };
      try {
        const { engine, quick } = options;
        sample.result = await visit({ sdk, collector, engine, quick, rate, url: site.url }, scenario.run);
        browser = sample.result.version;
      } catch (error) {
        // One SDK that fails in one scenario is a finding, and no reason to lose the rest.
        sample.error = String(error);
        process.stderr.write(`  failed: ${sample.error}\n`);
      }
      samples.push(sample);
      // So that what was measured is not lost when somebody stops it.
      writeFileSync(kept, JSON.stringify({ what, samples }));
    }
  } finally {
    await site.close();
    await collector.close();
  }

  const report = finish();
  for (const line of tables(report)) console.log(line);
  if (options.engine === 'chromium') for (const line of compare(report, readJson(recordedPath))) console.log(line);
  writeFileSync(join(out, 'bench.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(out, 'bench.svg'), drawChart(report));
  writeFileSync(join(out, 'bench.md'), `${markdown(report)}\n`);
  console.log(`\nwritten: bench.json, bench.svg and bench.md in ${relative(process.cwd(), out) || '.'}`);
  if (options.record) record(report, options.engine);
  return samples.every(({ error }) => !error);
}

/**
 * @param {import('./lib/options.mjs').Options} options
 * @param {import('./lib/sdks.mjs').Sdk[]} sdks
 * @returns {import('./lib/schedule.mjs').Cell[]}
 */
const cellsOf = ({ scenarios, quick, engine }, sdks) =>
  [...scenarios].flatMap((name) => {
    const scenario = SCENARIOS[name];
    if (!scenario) return [];
    const rates = quick || engine === 'firefox' ? scenario.rates.slice(0, 1) : scenario.rates;
    return sdks
      .filter((sdk) => scenario.takes?.(sdk) ?? true)
      .flatMap((sdk) => rates.map((rate) => ({ sdk, name, scenario, rate })));
  });

/**
 * The samples of a run that was stopped.
 *
 * @param {{ what: object, samples: Sample[] } | undefined} before
 * @param {object} what
 */
function resumed(before, what) {
  if (before && JSON.stringify(before.what) !== JSON.stringify(what))
    throw new Error('The run there is of another engine, length or build of Petrel; leave out --resume.');
  return before?.samples ?? [];
}

/**
 * @param {import('./lib/report.mjs').Report} report
 * @param {'chromium' | 'firefox'} engine
 */
function record(report, engine) {
  putInto('docs/bench.md', engine, markdown(report));
  if (engine === 'firefox') return;
  writeFileSync(recordedPath, `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(root, 'docs/bench.svg'), drawChart(report));
  putInto('README.md', 'bench', summaryOf(report));
}

/** Between the two comments of that name. @param {string} file @param {string} name @param {string} content */
function putInto(file, name, content) {
  const path = join(root, file);
  const text = readFileSync(path, 'utf8');
  const marked = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*(<!-- /${name} -->)`);
  if (!marked.test(text)) throw new Error(`${path} has no place for the figures`);
  writeFileSync(
    path,
    text.replace(marked, (_, start, end) => `${start}\n${content}\n\n${end}`),
  );
  console.log(`recorded in ${file}`);
}

/** @param {string} path */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

const options = readOptions(process.argv.slice(2));
if (options) process.exitCode = (await main(options)) ? 0 : 1;
