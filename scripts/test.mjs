// `npm test`: everything, in the order in which a mistake is found soonest. Ends with one line, `N passed, N failed`.
// `npm test -- unit browser` runs only the stages named. In CI, or when named, the stories are told in Firefox and WebKitGTK as well.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium, findOrInstallChromium } from './find-chromium.mjs';

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {string[]} command Arguments for node.
 * @property {number} minutes How long it may take.
 * @property {'vitest' | 'playwright'} [tests] Whose JSON report says what passed; a stage without is not counted unless it fails.
 * @property {true} [browser] Needs a Chromium.
 * @property {true} [onDemand] Runs in CI and when named.
 * @property {string} [after] A stage without whose success this one means nothing.
 * @property {true} [shown] Its output is shown although nothing is wrong.
 * @property {true} [spare] Runs only when all the time that it may take is left.
 * @property {true} [mayBeCut] What it has not come to when the time is over counts as skipped, and is told of.
 *
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = mkdtempSync(join(tmpdir(), 'petrel-test-'));

/** @param {string} path */
const bin = (path) => join(root, 'node_modules', path);

/**
 * @param {string} project
 * @returns {string[]}
 */
const vitest = (project) => [
  bin('vitest/vitest.mjs'),
  ...['run', '--project', project, '--reporter=default', '--reporter=json', '--reporter=./scripts/still-running.mjs'],
  `--outputFile.json=${join(reports, `${project}.json`)}`,
];

/** @type {Stage[]} */
const STAGES = [
  { name: 'lint', command: [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'], minutes: 2 },
  { name: 'build', command: [bin('rollup/dist/bin/rollup'), '-c', '--silent'], minutes: 4 },
  // The command line and the scripts use what was built, types and all.
  { name: 'types', command: ['scripts/typecheck.mjs'], minutes: 5, after: 'build' },
  { name: 'unit', command: vitest('unit'), minutes: 8, tests: 'vitest' },
  { name: 'servers', command: vitest('servers'), minutes: 8, tests: 'vitest' },
  { name: 'browser', command: vitest('browser'), minutes: 5, tests: 'vitest', browser: true },
  { name: 'package', command: vitest('package'), minutes: 5, tests: 'vitest', after: 'build' },
  { name: 'size', command: ['scripts/size.mjs'], minutes: 1, after: 'build', shown: true },
  {
    name: 'e2e',
    command: [bin('@playwright/test/cli.js'), 'test', '--reporter=list,json'],
    minutes: 15,
    tests: 'playwright',
    browser: true,
    after: 'build',
  },
  {
    name: 'engines',
    command: [
      bin('@playwright/test/cli.js'),
      ...[
        'test',
        '-c',
        'e2e/engines.config.ts',
        '--project',
        'firefox',
        '--project',
        'webkitgtk',
        '--grep-invert',
        '@slow',
        // The stories of delivery: what differs between engines. The others are told there by `npm run test:engines`.
        '/e2e/(?!inspector|formats|dedicated|bad-input)[^/]+\\.spec\\.ts$',
      ],
      '--reporter=list,json',
    ],
    minutes: 14,
    tests: 'playwright',
    after: 'build',
    onDemand: true,
    mayBeCut: true,
  },
  {
    // What has changed since the recorded run (docs/bench.md). It reports; only a bench that does not run fails.
    name: 'bench',
    command: [
      'e2e/bench/bench.mjs',
      ...['--quick', '--runs', '2', '--minutes', '1.5', '--peer', 'none', '--only', 'bursts,startup'],
      ...['--out', join(reports, 'bench')],
    ],
    minutes: 3,
    browser: true,
    after: 'build',
    onDemand: true,
    shown: true,
    spare: true,
  },
];

/** CI gives half an hour, of which installing takes a part; a run that hangs must still say where. */
const DEADLINE = Date.now() + 28 * 60_000;

/** How long before a stage would be stopped it is cut, in ms: browsers are to be closed, and the report written. */
const CUT_BEFORE_MS = 30_000;

/** How much of a failed stage's output is shown: its end, where runners put their summary of failures. */
const SHOWN_LINES = 400;

/** @type {import('node:child_process').ChildProcess | undefined} */
let running;

function stop() {
  if (running?.pid === undefined) return;
  try {
    // The whole group: runners start browsers and workers, which would live on.
    process.kill(-running.pid, 'SIGKILL');
  } catch {
    running.kill('SIGKILL');
  }
}

/**
 * @param {Stage} stage
 * @param {number} limitMs
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
function run(stage, limitMs) {
  const cut = stage.mayBeCut ? [`--global-timeout=${Math.max(1_000, limitMs - CUT_BEFORE_MS)}`] : [];
  const child = spawn(process.execPath, [...stage.command, ...cut], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, PLAYWRIGHT_JSON_OUTPUT_FILE: reportOf(stage) },
  });
  running = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stop();
    }, limitMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running = undefined;
      if (late) output += `\nstopped after ${Math.round(limitMs / 1000)} s`;
      else if (signal) output += `\nended by ${signal}`;
      resolve({ ok: code === 0 && !late, output });
    });
  });
}

/** @param {Stage} stage */
const reportOf = (stage) => join(reports, `${stage.name}.json`);

/**
 * What the stage's own report counts. A runner that fails for another reason than a test (a file that does not load, an
 * error between tests, no report at all) counts as one failure more: no failure may end as `0 failed`.
 *
 * @param {Stage} stage
 * @param {boolean} ok
 * @returns {Counts}
 */
function count(stage, ok) {
  const counts = stage.tests ? readReport(stage) : { passed: 0, failed: 0, skipped: 0 };
  if (!ok && counts.failed === 0 && !wasCut(stage)) counts.failed = 1;
  return counts;
}

/**
 * Whether want of time is all that is wrong with a stage.
 * @param {Stage} stage
 */
function wasCut(stage) {
  if (!stage.mayBeCut || !existsSync(reportOf(stage))) return false;
  const { errors } = JSON.parse(readFileSync(reportOf(stage), 'utf8'));
  return (
    errors.length > 0 &&
    errors.every((/** @type {any} */ { message }) => /Timed out waiting .* for the .* to run/.test(message))
  );
}

/**
 * @param {Stage} stage
 * @returns {Counts}
 */
function readReport(stage) {
  let report;
  try {
    report = JSON.parse(readFileSync(reportOf(stage), 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  if (stage.tests === 'playwright') {
    const { expected, unexpected, flaky, skipped } = report.stats;
    return { passed: expected, failed: unexpected + flaky, skipped };
  }
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @param {Counts} counts */
const tell = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** @param {string} output */
function show(output) {
  const lines = output.trimEnd().split('\n');
  const left = lines.length - SHOWN_LINES;
  if (left > 0) console.log(`    … ${left} lines before`);
  for (const line of lines.slice(-SHOWN_LINES)) console.log(`    ${line}`);
}

/** @param {Stage[]} stages */
async function main(stages) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failed = new Set();

  if (stages.some(({ browser }) => browser)) {
    try {
      const found = findChromium() ?? findOrInstallChromium((line) => console.log(line));
      process.env.PETREL_CHROMIUM = found.path;
      console.log(`chromium  ${found.from}, ${found.path}`);
    } catch (error) {
      console.log(`chromium  ${/** @type {Error} */ (error).message}`);
      failed.add('chromium');
      total.failed++;
    }
  }

  for (const stage of stages) {
    const label = stage.name.padEnd(8);
    const missing = stage.browser && failed.has('chromium') ? 'chromium' : failed.has(stage.after) && stage.after;
    if (missing) {
      console.log(`${label}  not run, for want of ${missing}`);
      continue;
    }
    const start = Date.now();
    if (stage.spare && DEADLINE - start < stage.minutes * 60_000) {
      console.log(`${label}  not run, for want of time`);
      continue;
    }
    const { ok, output } = await run(stage, Math.max(1_000, Math.min(stage.minutes * 60_000, DEADLINE - start)));
    const counts = count(stage, ok);
    for (const key of /** @type {(keyof Counts)[]} */ (Object.keys(total))) total[key] += counts[key];
    const bad = !ok && (!stage.tests || counts.failed > 0);
    const outcome = stage.tests ? tell(counts) : ok ? 'ok' : 'failed';
    const cut = !ok && !bad ? ', cut for want of time' : '';
    console.log(`${label}  ${outcome}${cut} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    if (bad) {
      failed.add(stage.name);
      show(output);
    } else if (stage.shown) {
      show(output);
    }
  }
  console.log(tell(total));
  return total.failed === 0;
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !STAGES.some((stage) => stage.name === name));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    stop();
    process.exit(130);
  });
}
try {
  if (unknown.length > 0) {
    console.error(`no such stage: ${unknown.join(', ')}; there are ${STAGES.map(({ name }) => name).join(', ')}`);
    process.exitCode = 2;
  } else {
    const ok = await main(
      STAGES.filter(({ name, onDemand }) => (names.length === 0 ? !onDemand || process.env.CI : names.includes(name))),
    );
    process.exitCode = ok ? 0 : 1;
  }
} finally {
  rmSync(reports, { recursive: true, force: true });
}
