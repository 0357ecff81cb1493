// The comparison as a picture for the README: plain SVG, readable on light and dark ground.

/** @typedef {import('./report.mjs').Report} Report */

const PANELS = [
  { key: 'bursts', title: 'Main-thread CPU', unit: 'ms per 1,000 events in bursts of 10', digits: 0 },
  { key: 'gzip', title: 'Download', unit: 'KB of page script, gzip', digits: 1 },
  { key: 'wire', title: 'On the wire', unit: 'bytes per event, headers included', digits: 0 },
  { key: 'startup', title: 'Start', unit: 'ms main-thread CPU until the first page view, first visit', digits: 1 },
];

const WIDTH = 900;
const LABEL = 108;
const COLUMN = WIDTH / 2;
const BAR = 14;
const STEP = 20;
const TOP = 46;
/** Kept free at a bar's end for its figure. */
const FIGURE = 56;

const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .small { fill: #59636e; font-size: 11px; }
  .bar { fill: #8c959f; }
  .limit { fill: #d1d9e0; }
  .own { fill: #0969da; }
  .strong { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .bar { fill: #656c76; }
    .limit { fill: #3d444d; }
    .own { fill: #4493f8; }
  }`;

/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/**
 * @param {Report} report
 * @returns {string}
 */
export function drawChart(report) {
  const panels = PANELS.map((panel) => ({
    ...panel,
    bars: report.sdks
      .flatMap(({ id, name }) => {
        const value = id === 'empty' ? undefined : report.figures[id]?.[panel.key]?.median;
        return value === undefined ? [] : [{ id, name, value: Math.max(value, 0) }];
      })
      .sort((a, b) => a.value - b.value),
  })).filter(({ bars }) => bars.length > 0);

  const heightOf = (/** @type {number} */ row) =>
    TOP + STEP * Math.max(0, ...panels.slice(2 * row, 2 * row + 2).map(({ bars }) => bars.length)) + 24;
  const rows = Math.ceil(panels.length / 2);
  let height = 0;
  const parts = [];
  for (let row = 0; row < rows; row++) {
    for (const [column, panel] of panels.slice(2 * row, 2 * row + 2).entries()) {
      parts.push(`<g transform="translate(${column * COLUMN} ${height})">${draw(panel)}</g>`);
    }
    height += heightOf(row);
  }
  const about = `Medians, ${report.browser}, ${report.machine}, ${report.measuredAt.slice(0, 10)}. CPU times are above the empty page.`;
  parts.push(`<text class="small" x="0" y="${height + 4}">${escaped(about)}</text>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height + 12}" width="${WIDTH}" height="${height + 12}" role="img" aria-label="${escaped(summaryOf(panels))}">`,
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** @param {{ title: string, unit: string, digits: number, bars: { id: string, name: string, value: number }[] }} panel */
function draw({ title, unit, digits, bars }) {
  const most = Math.max(...bars.map(({ value }) => value)) || 1;
  const room = COLUMN - LABEL - FIGURE - 16;
  const lines = bars.map(({ id, name, value }, i) => {
    const y = TOP + i * STEP;
    const width = Math.max((room * value) / most, 1).toFixed(1);
    const kind = id === 'petrel' ? 'own' : id === 'floor' ? 'limit' : 'bar';
    const strong = id === 'petrel' ? ' class="strong"' : '';
    const figure = value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
    return [
      `<text${strong} x="${LABEL - 8}" y="${y + 11}" text-anchor="end">${escaped(name)}</text>`,
      `<rect class="${kind}" x="${LABEL}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
      `<text${strong} x="${(LABEL + Number(width) + 6).toFixed(1)}" y="${y + 11}">${figure}</text>`,
    ].join('');
  });
  return `<text class="title" x="0" y="16">${escaped(title)}</text><text class="small" x="0" y="33">${escaped(unit)}</text>${lines.join('')}`;
}

/** @param {{ title: string, unit: string, digits: number, bars: { id: string, name: string, value: number }[] }[]} panels */
function summaryOf(panels) {
  return panels
    .map(
      ({ title, unit, digits, bars }) =>
        `${title}, ${unit}: ${bars.map(({ name, value }) => `${name} ${value.toFixed(digits)}`).join(', ')}`,
    )
    .join('. ');
}
