// What came of the stories: a line for each as it ends, a table, and what all of it proves.

/** @typedef {import('./tell.mjs').Told} Told */

/** Most names written out of one story's losses: one cause is seen in the first. */
const SHOWN = 5;

/** @param {Told} told */
export const isKept = ({ lost, doubled, broken }) => lost.length + doubled.length + broken.length === 0;

/** @param {Told} told */
export function lineOf(told) {
  const { name, tracked, lost, doubled, broken, ms } = told;
  const word = isKept(told) ? 'kept  ' : lost.length > 0 ? 'LOST  ' : doubled.length > 0 ? 'DOUBLE' : 'BROKEN';
  const lines = [
    `${word}  ${name}  ${tracked} events, ${lost.length} lost, ${doubled.length} doubled (${seconds(ms)})`,
  ];
  if (lost.length > 0) lines.push(`        ${whyLost(told)}: ${names(lost)}`);
  if (doubled.length > 0) lines.push(`        more than once: ${names(doubled)}`);
  for (const promise of broken) lines.push(`        not so: ${promise}`);
  for (const [reason, count] of Object.entries(told.refused))
    lines.push(`        refused by the endpoint: ${count}, ${reason}`);
  for (const [reason, count] of Object.entries(told.dropped))
    lines.push(`        dropped by the tracker: ${count}, ${reason}`);
  return lines.join('\n');
}

/** @param {Told} told */
function whyLost({ lost, tracked, acknowledged, stored }) {
  const unsaid = tracked - acknowledged;
  if (stored === undefined || unsaid >= lost.length) return 'never acknowledged by the endpoint';
  return unsaid === 0
    ? 'acknowledged by the endpoint, and not there'
    : `not there, ${lost.length - unsaid} of them acknowledged`;
}

/** @param {string[]} all */
const names = (all) =>
  `${all.slice(0, SHOWN).join(', ')}${all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''}`;

/** @param {number} ms */
const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;

/** @param {Told[]} stories */
export function tableOf(stories) {
  const head = ['story', 'tracked', 'acknowledged', 'there', 'lost', 'doubled', 'sent twice', 'requests', 'time'];
  const rows = stories.map((told) => [
    told.name,
    told.tracked,
    told.acknowledged,
    told.stored ?? '?',
    told.lost.length,
    told.doubled.length,
    told.twice,
    told.requests,
    seconds(told.ms),
  ]);
  const { tracked, acknowledged, stored, lost, doubled, twice, requests, ms } = totalOf(stories);
  const all = [
    head,
    ...rows,
    ['total', tracked, acknowledged, stored ?? '?', lost, doubled, twice, requests, seconds(ms)],
  ];
  const widths = head.map((_, i) => Math.max(...all.map((row) => String(row[i]).length)));
  return all
    .map((row) =>
      row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i] ?? 0) : String(cell).padStart(widths[i] ?? 0))),
    )
    .map((row) => row.join('  '))
    .join('\n');
}

/** @param {Told[]} stories */
export function totalOf(stories) {
  const sum = (/** @type {(told: Told) => number} */ of) => stories.reduce((total, told) => total + of(told), 0);
  return {
    tracked: sum(({ tracked }) => tracked),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    ...(stories.every(({ stored }) => stored !== undefined) && { stored: sum(({ stored }) => stored ?? 0) }),
    lost: sum(({ lost }) => lost.length),
    doubled: sum(({ doubled }) => doubled.length),
    twice: sum(({ twice }) => twice),
    requests: sum(({ requests }) => requests),
    ms: sum(({ ms }) => ms),
  };
}

/**
 * What was proven, and what was not, for lack of a way to look.
 *
 * @param {Told[]} stories
 * @param {import('./truth.mjs').Truth | undefined} truth
 */
export function proofOf(stories, truth) {
  const kept = stories.filter(isKept).length;
  const { tracked, lost, doubled } = totalOf(stories);
  const proven = [];
  const unproven = [];
  const all = `${kept} of ${stories.length} stories kept every promise`;
  if (truth) {
    proven.push(`${all}: of ${tracked} events ${tracked - lost} are there, by ${truth.from}`);
    if (truth.showsDoubles) proven.push(`${doubled === 0 ? 'none' : doubled} of them is there more than once`);
    else unproven.push('that no event is there twice: the ledger has each number once. `--rows` would show it');
  } else {
    proven.push(`${all}: of ${tracked} events the endpoint acknowledged ${tracked - lost}`);
    unproven.push(
      'that what was acknowledged is stored, and stored once. `--rows`, or `--ledger-token`, would show it',
    );
  }
  return { proven, unproven };
}
