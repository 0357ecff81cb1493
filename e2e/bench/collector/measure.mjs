// One measurement: a process that writes, the collector or the engine's own client, and what it and the engine used meanwhile.

import { fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { quantile } from '../lib/stats.mjs';
import { makeBodies } from './batches.mjs';
import { crowd, pace } from './load.mjs';
import { cpuOf, peakMemoryOf } from './processes.mjs';

const PETREL = fileURLToPath(new URL('../../../bin/petrel.mjs', import.meta.url));
const DIRECT = fileURLToPath(new URL('direct.mjs', import.meta.url));

/** Requests under way at a time: enough that the collector always has a full batch to write, and its engine never waits. */
const SENDERS = 32;

/** Of what was just sustained, the load under which acknowledgements are timed. */
const PACED_SHARE = 0.5;

/**
 * @typedef {object} Job
 * @property {import('./engines.mjs').EngineKind} engine
 * @property {import('./engines.mjs').RunningEngine} running
 * @property {import('./batches.mjs').Templates} templates
 * @property {string} templatesFile
 * @property {typeof import('../../../src/core/wire-encode.js').encodeColumns} encodeColumns
 * @property {number} size events in a batch
 * @property {string} run a few letters, different for each measurement
 * @property {number} warm batches before the clock starts
 * @property {number} count batches that are timed
 * @property {number} paced batches whose acknowledgement is timed; the collector's alone
 * @property {string | undefined} profile folder for a CPU profile of the collector
 *
 * @typedef {object} Measured
 * @property {number} perSecond events
 * @property {number} cpuUs of the process that writes, per event
 * @property {number} engineCpuUs of the engine's own processes, per event
 * @property {number} memoryMb the most that the process that writes has had
 * @property {number} [bodyBytes] of a batch as it is posted, on average
 * @property {number} [ackP50Ms]
 * @property {number} [ackP99Ms]
 */

/** @param {Job} job @param {number | undefined} pid */
const used = ({ running }, pid) => ({ own: cpuOf(pid), engine: cpuOf(running.pid()) });

/**
 * @param {Job} job
 * @param {number} ms
 * @param {ReturnType<typeof used>} before
 * @param {ReturnType<typeof used>} after
 * @returns {Omit<Measured, 'memoryMb'>}
 */
function perEvent({ count, size }, ms, before, after) {
  const events = count * size;
  return {
    perSecond: (events * 1_000) / ms,
    cpuUs: (after.own - before.own) / events,
    engineCpuUs: (after.engine - before.engine) / events,
  };
}

/**
 * The engine alone.
 *
 * @param {Job} job
 * @returns {Promise<Measured>}
 */
export async function measureEngine(job) {
  const { engine, running, run, warm, count, templatesFile } = job;
  const place = await running.place(run);
  const child = fork(DIRECT, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const heard = () =>
    /** @type {Promise<any>} */ (
      new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (code) => reject(new Error(`the process that writes ended with ${code}`)));
      })
    );
  try {
    child.send({ engine: engine.id, address: place.address, templates: templatesFile, run, warm, count });
    await heard();
    const before = used(job, child.pid);
    child.send('go on');
    const { ms } = await heard();
    const measured = { ...perEvent(job, ms, before, used(job, child.pid)), memoryMb: peakMemoryOf(child.pid) };
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.send('end');
    await ended;
    return measured;
  } finally {
    child.kill('SIGKILL');
    await place.clear();
  }
}

/**
 * `petrel collect` before the engine.
 *
 * @param {Job} job
 * @returns {Promise<Measured>}
 */
export async function measureCollector(job) {
  const { running, templates, encodeColumns, run, warm, count, paced, profile, size } = job;
  const place = await running.place(run);
  const bodies = makeBodies(templates, run, warm + count + paced, encodeColumns);
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(process.execPath, [...flags, PETREL, 'collect', '--sink', place.address, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    const target = { url: await listening(child), size };
    await crowd(target, bodies.slice(0, warm), SENDERS);
    const before = used(job, child.pid);
    const ms = await crowd(target, bodies.slice(warm, warm + count), SENDERS);
    const measured = perEvent(job, ms, before, used(job, child.pid));
    const times = await pace(target, bodies.slice(warm + count), (measured.perSecond * PACED_SHARE) / size);
    const memoryMb = peakMemoryOf(child.pid);
    child.kill('SIGTERM');
    await ended;
    const bodyBytes = bodies.reduce((sum, { length }) => sum + length, 0) / bodies.length;
    return { ...measured, memoryMb, bodyBytes, ackP50Ms: quantile(times, 0.5), ackP99Ms: quantile(times, 0.99) };
  } finally {
    child.kill('SIGKILL');
    await ended;
    await place.clear();
  }
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child
 * @returns {Promise<string>} where it listens
 */
function listening(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-4_000);
        const url = / at (http:\S+)\/ /.exec(output)?.[1];
        if (url) resolve(url);
      });
    }
    child.once('exit', () => reject(new Error(`the collector ended: ${output}`)));
  });
}
