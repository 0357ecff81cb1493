// CPU time of threads, as Linux's scheduler counts it.

import { readFileSync } from 'node:fs';

/**
 * CPU time of a thread so far, in ms; undefined where the kernel does not tell.
 *
 * @param {number} process
 * @param {number} thread
 */
export function scheduledMs(process, thread) {
  try {
    return Number(readFileSync(`/proc/${process}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

/**
 * The process whose main thread, which on Linux is the thread with the process's own number, the page runs on. No protocol tells; the
 * one that gets busy when the page does, it is.
 *
 * @param {() => number[] | Promise<number[]>} processes Those it may be.
 * @param {(expression: string) => Promise<unknown>} evaluate In the page.
 * @returns {Promise<number | undefined>}
 */
export async function busiest(processes, evaluate) {
  const times = async () => new Map((await processes()).map((id) => [id, scheduledMs(id, id)]));
  const before = await times();
  await evaluate('{ const end = performance.now() + 40; while (performance.now() < end); }');
  const after = [...(await times())].flatMap(([id, ms]) =>
    ms === undefined ? [] : [{ id, grown: ms - (before.get(id) ?? 0) }],
  );
  return after.sort((a, b) => b.grown - a.grown)[0]?.id;
}
