/**
 * The shop's illustrations: inline SVG that takes its colours from the page's custom properties, so that it turns dark with it.
 * Decorative all of them: the text beside a picture says what it is.
 */
import { raw } from './html.mjs';

/** Points on a circle, with 0° at the top. @param {number} cx @param {number} cy @param {number} r @param {number} degrees */
function polar(cx, cy, r, degrees) {
  const angle = ((degrees - 90) * Math.PI) / 180;
  return [cx + r * Math.cos(angle), cy + r * Math.sin(angle)].map((n) => Math.round(n * 10) / 10);
}

/**
 * Tick marks along an arc.
 * @param {number} cx @param {number} cy @param {number} from @param {number} to @param {number} step
 * @param {(i: number) => [inner: number, outer: number]} radii
 */
function ticks(cx, cy, from, to, step, radii) {
  let d = '';
  for (let angle = from, i = 0; angle <= to; angle += step, i++) {
    const [inner, outer] = radii(i);
    d += `M${polar(cx, cy, inner, angle).join(' ')}L${polar(cx, cy, outer, angle).join(' ')}`;
  }
  return d;
}

/** @param {string} inner */
const plate = (inner) => `<svg class="art" viewBox="0 0 320 320" aria-hidden="true" focusable="false">${inner}</svg>`;

/** A storm petrel, wings up, heading left; drawn in a 100 × 60 box. */
export const PETREL =
  'M3 37c4-5 9-7 15-6 4-2 8-3 12-4 1-10 8-20 23-27-6 11-8 19-8 26 14-5 32-5 54 3-19-1-33 2-43 8 6 3 13 8 19 15l-11-3 3 8C56 51 48 48 39 48c-13 0-23-3-28-9-3 0-6-1-8-2z';

const barometer = plate(`
  <circle cx="160" cy="34" r="14" class="s-ink f-none" stroke-width="5"/>
  <path d="M148 46h24l5 14h-34z" class="f-brass"/>
  <circle cx="160" cy="172" r="118" class="f-brass"/>
  <circle cx="160" cy="172" r="118" class="f-none s-shade" stroke-width="3"/>
  <circle cx="160" cy="172" r="100" class="f-face"/>
  <path d="${ticks(160, 172, -135, 135, 5.4, (i) => (i % 5 === 0 ? [80, 94] : [87, 94]))}" class="s-ink f-none" stroke-width="2"/>
  <g class="f-ink dial">
    <text transform="rotate(-82 160 172)" x="160" y="113">RAIN</text>
    <text x="160" y="113">CHANGE</text>
    <text transform="rotate(82 160 172)" x="160" y="113">FAIR</text>
  </g>
  <path d="M129 222h62" class="s-line" stroke-width="2"/>
  <text x="160" y="243" class="f-ink dial small">hPa</text>
  <g class="needle needle-glass">
    <path d="M160 90l5 82-5 28-5-28z" class="f-signal"/>
  </g>
  <circle cx="160" cy="172" r="9" class="f-ink"/>
  <path d="M84 118a96 96 0 0 1 70-41" class="s-shine f-none" stroke-width="6"/>
`);

const tideClock = plate(`
  <rect x="42" y="42" width="236" height="236" rx="118" class="f-sea"/>
  <circle cx="160" cy="160" r="102" class="f-face"/>
  <clipPath id="tide"><circle cx="160" cy="160" r="102"/></clipPath>
  <g clip-path="url(#tide)">
    <path class="f-sea-2" d="M40 196c20-16 40-16 60 0s40 16 60 0 40-16 60 0 40 16 60 0v100H40z"/>
    <path class="f-sea" d="M40 220c20-14 40-14 60 0s40 14 60 0 40-14 60 0 40 14 60 0v90H40z"/>
  </g>
  <path d="${ticks(160, 160, 0, 359, 15, (i) => (i % 6 === 0 ? [80, 98] : [90, 98]))}" class="s-ink f-none" stroke-width="2.5"/>
  <g class="f-ink dial"><text x="160" y="100">HIGH</text></g>
  <g class="f-paper dial"><text x="160" y="238">LOW</text></g>
  <g class="needle needle-tide">
    <path d="M160 160V84" class="s-signal f-none" stroke-width="5" stroke-linecap="round"/>
    <circle cx="160" cy="82" r="13" class="f-signal"/><circle cx="166" cy="78" r="11" class="f-face"/>
  </g>
  <circle cx="160" cy="160" r="8" class="f-ink"/>
`);

const vane = plate(`
  <path d="M160 128v164" class="s-ink f-none" stroke-width="6" stroke-linecap="round"/>
  <path d="M128 292h64" class="s-ink f-none" stroke-width="8" stroke-linecap="round"/>
  <path d="M82 214h156M114 190l92 48M206 190l-92 48" class="s-ink f-none" stroke-width="4" stroke-linecap="round"/>
  <g class="f-ink dial big"><text x="68" y="222">W</text><text x="252" y="222">E</text></g>
  <circle cx="160" cy="214" r="12" class="f-brass"/>
  <g class="needle needle-vane">
    <path d="M40 150h236M40 150l24-11v22z" class="s-ink" stroke-width="4" stroke-linejoin="round"/>
    <g transform="translate(44 18) scale(2.32)"><path d="${PETREL}" class="f-brass"/></g>
  </g>
`);

const lantern = plate(`
  <path d="M96 134C96 40 224 40 224 134" class="s-ink f-none" stroke-width="5"/>
  <path d="M132 84h56l10 26h-76z" class="f-brass"/><rect x="142" y="68" width="36" height="18" rx="5" class="f-brass-2"/>
  <rect x="112" y="108" width="96" height="14" rx="7" class="f-brass-2"/>
  <path d="M118 122h84c22 40 22 66 0 96h-84c-22-30-22-56 0-96z" class="f-glass"/>
  <circle cx="160" cy="172" r="58" class="f-glow"/>
  <g class="flame"><path d="M160 132c18 22 24 32 24 46a24 24 0 0 1-48 0c0-14 6-24 24-46z" class="f-flame"/>
  <path d="M160 160c9 11 12 17 12 24a12 12 0 0 1-24 0c0-7 3-13 12-24z" class="f-face"/></g>
  <path d="M118 122h84c22 40 22 66 0 96h-84c-22-30-22-56 0-96zM104 170h112M132 122v96M188 122v96" class="s-ink f-none" stroke-width="3.5"/>
  <rect x="106" y="216" width="108" height="16" rx="8" class="f-brass-2"/>
  <path d="M112 232h96l14 52a8 8 0 0 1-8 8H106a8 8 0 0 1-8-8z" class="f-brass"/>
  <circle cx="226" cy="258" r="9" class="f-ink"/><path d="M208 258h18" class="s-ink" stroke-width="5"/>
`);

const bottle = plate(`
  <path d="M92 272h136l12 20H80z" class="f-brass-2"/><rect x="84" y="260" width="152" height="16" rx="6" class="f-brass"/>
  <path d="M145 66h30v44c0 20 47 54 47 98 0 34-28 54-62 54s-62-20-62-54c0-44 47-78 47-98z" class="f-glass"/>
  <path d="M106 182c-5 8-8 17-8 26 0 34 28 54 62 54s62-20 62-54c0-9-3-18-8-26-26 10-78 10-108 0z" class="f-sea-2"/>
  <g class="s-face f-none" stroke-width="3" stroke-linecap="round">
    <path d="M160 258v-58M160 214l-14-12M160 214l14-12M160 232l-18-14M160 232l18-14"/>
    <path d="M128 254l-10-40M123 234l-12-5M123 234l4-13M192 254l10-40M197 234l12-5M197 234l-4-13"/>
  </g>
  <path d="M145 66h30v44c0 20 47 54 47 98 0 34-28 54-62 54s-62-20-62-54c0-44 47-78 47-98z" class="s-ink f-none" stroke-width="4"/>
  <path d="M143 42h34l-3 26h-28z" class="f-brass"/>
  <path d="M128 158c-8 10-14 20-16 30" class="s-shine f-none" stroke-width="6" stroke-linecap="round"/>
`);

const gauge = plate(`
  <path d="M100 48h120l-28 54v0h-64z" class="f-brass"/><rect x="94" y="38" width="132" height="14" rx="7" class="f-brass-2"/>
  <path d="M128 100h64v158a12 12 0 0 1-12 12h-40a12 12 0 0 1-12-12z" class="f-glass"/>
  <path d="M128 186c12-8 20-8 32 0s20 8 32 0v72a12 12 0 0 1-12 12h-40a12 12 0 0 1-12-12z" class="f-sea-2"/>
  <path d="M192 118h-22M192 132h-12M192 146h-12M192 160h-22M192 174h-12M192 188h-12M192 202h-22M192 216h-12M192 230h-12M192 244h-22" class="s-ink f-none" stroke-width="2.5"/>
  <path d="M128 100h64v158a12 12 0 0 1-12 12h-40a12 12 0 0 1-12-12z" class="s-ink f-none" stroke-width="4"/>
  <path d="M160 270v34" class="s-ink" stroke-width="7" stroke-linecap="round"/>
  <g class="f-sea drops"><path d="M84 92c9 13 12 18 12 24a12 12 0 0 1-24 0c0-6 3-11 12-24zM240 132c7 10 9 14 9 19a9 9 0 0 1-18 0c0-5 2-9 9-19zM72 172c7 10 9 14 9 19a9 9 0 0 1-18 0c0-5 2-9 9-19z"/></g>
`);

/** @type {Record<string, ReturnType<typeof raw>>} */
export const ART = Object.fromEntries(
  Object.entries({
    'falling-glass-barometer': barometer,
    'slack-water-tide-clock': tideClock,
    'petrel-weathervane': vane,
    'lee-storm-lantern': lantern,
    'quiet-storm-bottle': bottle,
    'drizzle-rain-gauge': gauge,
  }).map(([slug, svg]) => [slug, raw(svg)]),
);

/** One row of waves. @param {number} y @param {number} length @param {number} height @param {string} cls */
function wave(y, length, height, cls) {
  let d = `M-${length} ${y}`;
  for (let x = -length; x < 1400 + length; x += length)
    d += `q${length / 4} -${height} ${length / 2} 0t${length / 2} 0`;
  return `<path class="${cls}" d="${d}V700H-${length}z"/>`;
}

/** The front page's sea: three petrels before a front that has not arrived yet. */
export const SEASCAPE =
  raw(`<svg class="seascape" viewBox="0 0 1200 560" preserveAspectRatio="xMidYMax slice" aria-hidden="true" focusable="false">
  <defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" class="sky-0"/><stop offset="1" class="sky-1"/></linearGradient></defs>
  <rect width="1200" height="560" fill="url(#sky)"/>
  <circle cx="842" cy="222" r="92" class="sun"/>
  <g class="cloud cloud-far"><rect x="700" y="150" width="330" height="42" rx="21"/><rect x="760" y="176" width="200" height="34" rx="17"/></g>
  <g class="rainfall"><path d="M1010 150l-78 260M1054 150l-78 260M1098 150l-78 260M1142 150l-78 260M1186 150l-78 260M1230 150l-78 260"/></g>
  <g class="cloud"><rect x="860" y="62" width="520" height="58" rx="29"/><rect x="920" y="100" width="420" height="56" rx="28"/><rect x="980" y="140" width="400" height="40" rx="20"/></g>
  ${wave(384, 240, 26, 'wave wave-1')}
  <g class="bird bird-1" transform="translate(690 292) scale(1.5)"><path d="${PETREL}"/></g>
  ${wave(430, 300, 32, 'wave wave-2')}
  <g class="bird bird-2" transform="translate(900 336) scale(1.05)"><path d="${PETREL}"/></g>
  <g class="bird bird-3" transform="translate(560 236) scale(.7)"><path d="${PETREL}"/></g>
  ${wave(488, 360, 36, 'wave wave-3')}
</svg>`);

/** The mark beside the shop's name. */
export const MARK = raw(
  `<svg class="mark" viewBox="0 0 100 60" aria-hidden="true" focusable="false"><path d="${PETREL}"/></svg>`,
);
