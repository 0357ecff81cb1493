// What a process has used so far, from Linux's /proc; elsewhere memory and CPU stay unknown.

import { existsSync, readFileSync } from 'node:fs';

/** Of the clock that /proc counts CPU time in: 100 a second on every Linux that Node runs on. */
const TICK_US = 10_000;
const PAGE_KB = 1_024;

export const knowsProcesses = existsSync('/proc/self/stat');

/**
 * CPU time of a process and of its children, those that ended included, in microseconds.
 * @param {number | undefined} pid
 * @returns {number}
 */
export function cpuOf(pid) {
  if (!knowsProcesses || pid === undefined) return 0;
  // The name in parentheses may have spaces; what follows it has not.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_US;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.reduce((sum, child) => {
    try {
      return sum + cpuOf(Number(child));
    } catch {
      return sum; // Ended in between: counted with its parent's from now on.
    }
  }, own);
}

/**
 * The most memory a process has had, in MiB.
 * @param {number | undefined} pid
 * @returns {number}
 */
export function peakMemoryOf(pid) {
  if (!knowsProcesses || pid === undefined) return Number.NaN;
  const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(peak) / PAGE_KB;
}
