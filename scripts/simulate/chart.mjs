// The storm as a picture: requests per second over time, a panel for each tracker, all to one scale.

/** @typedef {import('./world.mjs').Result} Result */
/** @typedef {import('./world.mjs').Setting} Setting */

const WIDTH = 900;
const COLUMNS = 2;
const PANEL = { width: 430, height: 92, title: 22, gap: 26 };
/** The scale is logarithmic, in multiples of the normal load. */
const SCALE = { from: 0.1, to: 100 };
/** Seconds of the time axis, at most. */
const SHOWN_S = 1_500;

const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .small { fill: #59636e; font-size: 11px; }
  .away { fill: #818b9826; }
  .grid { stroke: #d1d9e0; }
  .limit { stroke: #d1242f; stroke-dasharray: 4 3; }
  .load { stroke: #8c959f; fill: none; stroke-width: 1.5; }
  .own { stroke: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .limit { stroke: #f85149; }
    .load { stroke: #9198a1; }
    .own { stroke: #4493f8; }
  }`;

/** @param {number} multiple */
const heightOf = (multiple) =>
  (PANEL.height * Math.log10(Math.min(Math.max(multiple, SCALE.from), SCALE.to) / SCALE.from)) /
  Math.log10(SCALE.to / SCALE.from);

/**
 * @param {Result[]} results
 * @param {Setting} setting
 * @returns {string}
 */
export function drawStorm(results, setting) {
  const step = PANEL.title + PANEL.height + PANEL.gap;
  const height = Math.ceil(results.length / COLUMNS) * step + 16;
  const panels = results.map((result, i) => {
    const x = (i % COLUMNS) * (WIDTH - PANEL.width);
    const y = Math.floor(i / COLUMNS) * step;
    return `<g transform="translate(${x} ${y})">${panel(result, setting)}</g>`;
  });
  const about = `Requests per second, as a multiple of the normal load (logarithmic). Grey: the server is away. Red: what it can do.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${about}">`,
    `<style>${STYLE}</style>`,
    ...panels,
    `<text class="small" x="0" y="${height - 4}">${about}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {Result} result
 * @param {Setting} setting
 */
function panel({ policy, offered, lost }, { beforeS, outageS, capacity }) {
  const seconds = Math.min(SHOWN_S, beforeS + outageS + 840);
  const x = (/** @type {number} */ s) => ((s / seconds) * PANEL.width).toFixed(1);
  const y = (/** @type {number} */ multiple) => (PANEL.title + PANEL.height - heightOf(multiple)).toFixed(1);
  // The most of each few seconds: a peak must not fall between two points.
  const every = Math.max(1, Math.round(seconds / PANEL.width));
  const points = [];
  for (let s = 0; s < Math.min(seconds, offered.length); s += every) {
    points.push(`${x(s)} ${y(Math.max(...offered.slice(s, s + every)))}`);
  }
  const own = policy.id.startsWith('petrel');
  const note = lost >= 0.005 ? `, ${(lost * 100).toFixed(0)} % lost` : '';
  const lines = [1, 10].map(
    (multiple) => `<line class="grid" x1="0" x2="${PANEL.width}" y1="${y(multiple)}" y2="${y(multiple)}"/>`,
  );
  return [
    `<text class="title" x="0" y="13">${policy.name}<tspan class="small">${note}</tspan></text>`,
    `<rect class="away" x="${x(beforeS)}" y="${PANEL.title}" width="${x(outageS)}" height="${PANEL.height}"/>`,
    ...lines,
    ...[1, 10].map(
      (multiple) =>
        `<text class="small" x="${PANEL.width}" y="${Number(y(multiple)) - 2}" text-anchor="end">${multiple}×</text>`,
    ),
    `<line class="limit" x1="0" x2="${PANEL.width}" y1="${y(capacity)}" y2="${y(capacity)}"/>`,
    `<polyline class="load${own ? ' own' : ''}" points="${points.join(', ')}"/>`,
  ].join('');
}
