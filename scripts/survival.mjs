// `npm run survival`: tells every story of e2e/ n times in each engine and writes what came of it into docs/survival.md.
// A story passes only when the collector's database holds every event that had to arrive, and none twice.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HELP = `npm run survival -- [options]
  --runs N         how often each story is told in each engine (1 to 100)      3
  --engine a,b     of chromium, firefox, webkitgtk                             all
  --only text      stories whose file or title holds it
  --workers N      browsers at a time                                          2
  --reports DIR    keeps what came of each engine there; one that is there already is not told again.
                   Stopped with Ctrl+C, it shows what was told by then
  --record         writes the table into docs/survival.md`;

const ENGINES = { chromium: 'Chromium', firefox: 'Firefox', webkitgtk: 'WebKitGTK' };
/** The stories of survival; the inspector's, and those in folders, are about other things. */
const STORIES = '/e2e/(?!inspector)[^/]+\\.spec\\.ts$';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    engine: { type: 'string', default: Object.keys(ENGINES).join() },
    only: { type: 'string' },
    workers: { type: 'string', default: '2' },
    reports: { type: 'string' },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}
const runs = Number(values.runs);
const engines = values.engine.split(',');
if (!Number.isInteger(runs) || runs < 1 || runs > 100 || !engines.every((engine) => engine in ENGINES)) {
  console.error(HELP);
  process.exit(2);
}

/**
 * @typedef {{ passed: number, failed: number, skipped?: string }} Cell
 * @typedef {{ file: string, title: string, cells: Record<string, Cell> }} Row
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = values.reports ?? mkdtempSync(join(tmpdir(), 'petrel-survival-'));
/** @type {Map<string, Row>} */
const rows = new Map();

let stopped = false;
// The runner gets it as well, and writes its report.
process.on('SIGINT', () => {
  stopped = true;
});
for (const engine of engines) {
  if (stopped) break;
  const report = join(folder, `${engine}.json`);
  const started = Date.now();
  if (!existsSync(report)) await run(engine, report);
  for (const suite of JSON.parse(readFileSync(report, 'utf8')).suites) gather(suite, engine, suite.file, []);
  console.error(`${engine}: ${Math.round((Date.now() - started) / 1000)} s`);
}
if (!values.reports) rmSync(folder, { recursive: true });

/** @param {string} engine @param {string} report */
function run(engine, report) {
  const args = [
    join(root, 'node_modules/@playwright/test/cli.js'),
    ...[
      'test',
      STORIES,
      '-c',
      'e2e/engines.config.ts',
      '--project',
      engine,
      '--repeat-each',
      String(runs),
      '--workers',
      values.workers,
      '--reporter=line,json',
    ],
    ...(values.only ? ['--grep', values.only] : []),
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', done);
  });
}

/** @param {any} suite Playwright's @param {string} engine @param {string} file @param {string[]} path */
function gather(suite, engine, file, path) {
  const here = suite.title === file ? path : [...path, suite.title];
  for (const inner of suite.suites ?? []) gather(inner, engine, file, here);
  for (const { title, tests } of suite.specs ?? []) {
    const name = [...here, title].join(' ');
    const row = rows.get(`${file} ${name}`) ?? { file, title: name, cells: {} };
    rows.set(`${file} ${name}`, row);
    row.cells[engine] ??= { passed: 0, failed: 0 };
    const cell = row.cells[engine];
    for (const test of tests) {
      const skip = test.annotations.find((/** @type {any} */ annotation) => annotation.type === 'skip');
      // Without one, the run was stopped before its turn came: the cell stays empty.
      if (test.status === 'skipped') cell.skipped = skip?.description;
      else if (test.status === 'expected') cell.passed++;
      else cell.failed++;
    }
  }
}

/** @type {string[]} */
const reasons = [];

/** @param {Cell | undefined} cell */
function show(cell) {
  if (!cell) return '';
  if (cell.passed + cell.failed > 0)
    return cell.failed > 0 ? `**${cell.passed} of ${cell.passed + cell.failed}**` : `${cell.passed}/${cell.passed}`;
  const reason = cell.skipped;
  if (reason === undefined) return '';
  if (!reasons.includes(reason)) reasons.push(reason);
  return `–<sup>${reasons.indexOf(reason) + 1}</sup>`;
}

const sorted = [...rows.values()]
  .filter(({ cells }) => Object.values(cells).some(({ passed, failed }) => passed + failed > 0))
  .sort((a, b) => a.file.localeCompare(b.file));
const lines = [
  `| story | ${engines.map((engine) => ENGINES[/** @type {keyof typeof ENGINES} */ (engine)]).join(' | ')} |`,
  `| --- | ${engines.map(() => '--:').join(' | ')} |`,
  ...sorted.map(({ title, cells }) => `| ${title} | ${engines.map((engine) => show(cells[engine])).join(' | ')} |`),
  '',
  ...reasons.map((reason, i) => `<sup>${i + 1}</sup> ${reason}  `),
];
const told = sorted.flatMap(({ cells }) => Object.values(cells));
const sum = (/** @type {'passed' | 'failed'} */ key) => told.reduce((n, cell) => n + cell[key], 0);
const head = `${new Date().toISOString().slice(0, 10)}: ${sorted.length} stories, ${sum('passed') + sum('failed')} runs, ${sum('failed')} failed.`;
const table = `${head}\n\n${lines.join('\n')}`;
console.log(table);
if (values.record) {
  const page = join(root, 'docs/survival.md');
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(
      /(<!-- figures -->)[\s\S]*(<!-- \/figures -->)/,
      (_, from, to) => `${from}\n${table}\n${to}`,
    ),
  );
}
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 ? 1 : 0;
