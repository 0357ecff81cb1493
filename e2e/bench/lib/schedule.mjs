// Which scenario is run next with which SDK.

/** @typedef {import('../bench.mjs').Sample} Sample */
/** @typedef {import('../bench.mjs').Scenario} Scenario */

/**
 * @typedef {object} Cell
 * @property {import('./sdks.mjs').Sdk} sdk
 * @property {string} name Of the scenario.
 * @property {Scenario} scenario
 * @property {number} rate
 */

/**
 * What is to be run, in random order so that no SDK always runs while something else does: first what has been run least often, until
 * each has been run as often as it shall. What failed counts as run.
 *
 * @param {Cell[]} cells
 * @param {number} runs
 * @param {Sample[]} samples What has been run; grows meanwhile.
 * @returns {Generator<Cell & { run: number, left: number }>}
 */
export function* schedule(cells, runs, samples) {
  for (;;) {
    const open = cells
      .map((cell) => ({ ...cell, done: samples.filter((sample) => isOf(sample, cell)).length }))
      .filter(({ scenario, done }) => done < Math.min(runs, scenario.mostRuns ?? runs));
    const least = Math.min(...open.map(({ done }) => done));
    const next = open.filter(({ done }) => done === least);
    const cell = next[Math.floor(Math.random() * next.length)];
    if (!cell) return;
    yield { ...cell, run: least + 1, left: next.length };
  }
}

/** @param {Sample} sample @param {Cell} cell */
const isOf = ({ sdk, scenario, rate }, cell) => sdk === cell.sdk.id && scenario === cell.name && rate === cell.rate;
