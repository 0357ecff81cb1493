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
import { compare, evaluate, markdown, tables } from './lib/report.mjs';
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

/** @template T @param {T[]} list @returns {T[]} In random order, so that no SDK always runs while something else does. */
function shuffle(list) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [list[i], list[j]] = /** @type {[T, T]} */ ([list[j], list[i]]);
  }
  return list;
}

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
  /** @type {Sample[]} */
  const samples = [];
  let browser = '';

  const out = options.out ?? join(root, 'e2e/bench/results');
  mkdirSync(out, { recursive: true });
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
    for (let run = 1; run <= options.runs; run++) {
      const cells = shuffle(
        [...options.scenarios].flatMap((name) => {
          const scenario = SCENARIOS[name];
          if (!scenario || run > (scenario.mostRuns ?? Number.POSITIVE_INFINITY)) return [];
          const rates = options.quick ? scenario.rates.slice(0, 1) : scenario.rates;
          return sdks
            .filter((sdk) => scenario.takes?.(sdk) ?? true)
            .flatMap((sdk) => rates.map((rate) => ({ sdk, name, scenario, rate })));
        }),
      );
      for (const [i, { sdk, name, scenario, rate }] of cells.entries()) {
        process.stderr.write(
          `run ${run} of ${options.runs}, ${i + 1} of ${cells.length}: ${name} ${sdk.id}${rate > 1 ? ` ×${rate}` : ''}\n`,
        );
        /** @type {Sample} */
        const sample = { sdk: sdk.id, scenario: name, rate };
        try {
          const { version, ...result } = await visit(
            { sdk, collector, quick: options.quick, rate, url: site.url },
            scenario.run,
          );
          browser = version;
          sample.result = result;
        } catch (error) {
          // One SDK that fails in one scenario is a finding, and no reason to lose the rest.
          sample.error = String(error);
          process.stderr.write(`  failed: ${sample.error}\n`);
        }
        samples.push(sample);
      }
      // So that what was measured is not lost when somebody stops it.
      writeFileSync(join(out, 'bench.json'), `${JSON.stringify(finish(), null, 1)}\n`);
    }
  } finally {
    await site.close();
    await collector.close();
  }

  const report = finish();
  for (const line of tables(report)) console.log(line);
  const recordedPath = join(root, 'docs/bench.json');
  for (const line of compare(report, readJson(recordedPath))) console.log(line);
  writeFileSync(join(out, 'bench.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(out, 'bench.svg'), drawChart(report));
  writeFileSync(join(out, 'bench.md'), `${markdown(report)}\n`);
  console.log(`\nwritten: bench.json, bench.svg and bench.md in ${relative(process.cwd(), out) || '.'}`);
  if (options.record) {
    writeFileSync(recordedPath, `${JSON.stringify(report, null, 1)}\n`);
    writeFileSync(join(root, 'docs/bench.svg'), drawChart(report));
    const page = join(root, 'docs/bench.md');
    const text = readFileSync(page, 'utf8');
    const marked = /(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/;
    if (!marked.test(text)) throw new Error(`${page} has no place for the figures`);
    writeFileSync(
      page,
      text.replace(marked, (_, start, end) => `${start}\n${markdown(report)}\n\n${end}`),
    );
    console.log('recorded in docs/bench.json, docs/bench.svg and docs/bench.md');
  }
  return samples.every(({ error }) => !error);
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
