// `npm run bench:collector`: what `petrel collect` takes, beside what its engine takes when it is written to directly. docs/scale.md says
// what is measured, and how.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeTemplates } from './batches.mjs';
import { ENGINES, importSource } from './engines.mjs';
import { measureCollector, measureEngine } from './measure.mjs';
import { markdown } from './report.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const HELP = `npm run bench:collector -- [options]

  --only a,b      engines: ${ENGINES.map(({ id }) => id).join(', ')}. Default: those that are installed
  --runs n        pairs of measurements of each (default 5)
  --batches n     batches in a measurement (default 2000)
  --size n        events in a batch (default 100)
  --out folder    where collector.json and collector.md go (default e2e/bench/results)
  --record        also write docs/scale.json, and the table in docs/scale.md
  --profile dir   CPU profiles of the collector go there; its figures are worse for it
`;

/** Of the timed batches, how many are written before, so that code is compiled and files are made. */
const WARM_SHARE = 0.2;

/** Batches whose acknowledgement is timed. */
const PACED = 600;

/** @param {string | undefined} text @param {string} flag @param {number} usual */
function wholeNumber(text, flag, usual) {
  const value = Number(text ?? usual);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${flag} must be a whole number from 1, not ${text}`);
  return value;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      runs: { type: 'string' },
      batches: { type: 'string' },
      size: { type: 'string' },
      out: { type: 'string', default: join(root, 'e2e/bench/results') },
      record: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const wanted = values.only?.split(',') ?? ENGINES.map(({ id }) => id);
  const strange = wanted.find((id) => !ENGINES.some((engine) => engine.id === id));
  if (strange !== undefined) throw new Error(`no such engine: ${strange}\n${HELP}`);
  return {
    ...values,
    engines: ENGINES.filter(({ id }) => wanted.includes(id)),
    runs: wholeNumber(values.runs, '--runs', 5),
    batches: wholeNumber(values.batches, '--batches', 2_000),
    size: wholeNumber(values.size, '--size', 100),
  };
}

/** @template T @param {T[]} list @returns {T[]} in random order, so that none is always the first */
const shuffled = (list) =>
  list
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

/** @param {ReturnType<typeof readOptions>} options */
async function main({ engines, runs, batches, size, out, record, profile }) {
  /** @type {typeof import('../../../test/support/sample-events.js')} */
  const { sampleEvents } = await importSource('test/support/sample-events.ts');
  /** @type {typeof import('../../../src/core/wire-encode.js')} */
  const { encodeColumns } = await importSource('src/core/wire-encode.ts');
  const templates = makeTemplates(sampleEvents, size);
  const folder = mkdtempSync(join(tmpdir(), 'petrel-bench-'));
  const templatesFile = join(folder, 'templates.json');
  writeFileSync(templatesFile, JSON.stringify(templates));

  /** @type {{ engine: import('./engines.mjs').EngineKind, running: import('./engines.mjs').RunningEngine }[]} */
  const started = [];
  /** @type {import('./report.mjs').Result['samples']} */
  const samples = [];
  try {
    for (const engine of engines) {
      const running = await engine.start();
      if (running) started.push({ engine, running });
      else console.log(`${engine.name} is not installed (node scripts/install-servers.mjs)`);
    }
    let measurement = 0;
    for (let run = 1; run <= runs; run++) {
      for (const { engine, running } of shuffled(started)) {
        const job = () => ({
          ...{ engine, running, templates, templatesFile, encodeColumns, profile, size },
          ...{ run: `Bench${run}x${++measurement}x`, count: batches, paced: PACED },
          warm: Math.ceil(batches * WARM_SHARE),
        });
        /** @type {Partial<Record<'direct' | 'collector', import('./measure.mjs').Measured>>} */
        const pair = {};
        for (const side of shuffled(/** @type {const} */ (['direct', 'collector']))) {
          pair[side] = await (side === 'direct' ? measureEngine : measureCollector)(job());
        }
        const { direct, collector } = /** @type {Required<typeof pair>} */ (pair);
        samples.push({ engine: engine.id, run, direct, collector });
        const [ours, theirs] = [collector, direct].map(({ perSecond }) => Math.round(perSecond).toLocaleString('en'));
        console.log(`run ${run} of ${runs}, ${engine.name}: ${ours} events/s, by itself ${theirs}`);
      }
    }
  } finally {
    for (const { running } of started) await running.dispose();
    rmSync(folder, { recursive: true, force: true });
  }

  const result = {
    measuredAt: new Date().toISOString(),
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`,
    node: process.version,
    engines: started.map(({ engine: { id, name, durable }, running }) => ({
      ...{ id, name, durable, version: running.version },
    })),
    size,
    samples,
  };
  const json = `${JSON.stringify(result, null, 2)}\n`;
  const table = markdown(result);
  console.log(`\n${table}\n`);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'collector.json'), json);
  writeFileSync(join(out, 'collector.md'), `${table}\n`);
  console.log(`written: collector.json and collector.md in ${relative(process.cwd(), out) || '.'}`);
  if (!record) return;
  writeFileSync(join(root, 'docs/scale.json'), json);
  const page = join(root, 'docs/scale.md');
  const text = readFileSync(page, 'utf8');
  const marked = /(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/;
  if (!marked.test(text)) throw new Error(`${page} has no place for the figures`);
  writeFileSync(
    page,
    text.replace(marked, (_, start, end) => `${start}${table}\n${end}`),
  );
  console.log('recorded in docs/scale.json and docs/scale.md');
}

if (process.argv.includes('--help')) console.log(HELP);
else await main(readOptions());
