// The live page: rows as the collector's database gets them. Not tracked itself.

/**
 * @typedef {object} Row
 * @property {number} order Position in the order of arrival.
 * @property {string} id
 * @property {string} source
 * @property {number} seq
 * @property {string} name
 * @property {string} category
 * @property {number} at Client time of track(), ms since the epoch.
 * @property {number} receivedAt Collector's time, ms since the epoch.
 * @property {string} [page]
 * @property {Record<string, unknown>} properties
 * @property {'rows' | 'columns'} form
 * @property {string} [batchId]
 * @property {number} [attempt]
 */

/** Most rows kept in the page; older ones are a button away and come from the database. */
const KEPT_ROWS = 200;
/** Lines drawn at most in the chart, so that a burst of thousands stays smooth. */
const DRAWN_LINES = 600;
const CHART_MS = 90_000;
/** From here on an event is shown as one that had to wait. The default batch age is 5 s, so everything beyond is an obstacle. */
const WAITED_MS = 7_000;

const FAULTS = [
  { kind: 'refuse', seconds: 30, label: 'Refuse connections', about: 'The port is closed, as in an outage.' },
  { kind: 'unavailable', seconds: 20, label: 'Answer 503', about: 'The server is up and unwell.' },
  {
    kind: 'lose-answers',
    seconds: 20,
    label: 'Lose the answers',
    about: 'Stores, then cuts the line: the trap for duplicates.',
  },
  { kind: 'rate-limit', seconds: 10, label: 'Answer 429', about: 'With Retry-After: nothing may come before it ends.' },
  { kind: 'slow', seconds: 30, label: 'Answer 3 s late', about: 'Leave the page while it thinks.' },
];

const $ = (/** @type {string} */ id) => document.getElementById(id);
const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

/** @type {Row[]} newest first */
let rows = [];
/** @type {any} */
let status = { sources: [], requests: [] };
/** Server clock minus ours: the chart and "3 s ago" speak of the server's time. */
let skew = 0;
let paused = false;
/** @type {Row[]} arrived while paused, oldest first */
let held = [];
let filter = '';
let flashFrom = Number.POSITIVE_INFINITY;
const now = () => Date.now() + skew;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// --- words -------------------------------------------------------------------------------------------------------------

const number = new Intl.NumberFormat('en');
const clockTime = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndTime = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

function duration(ms) {
  if (ms < 0) return '0 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

const timeOf = (ms) => (now() - ms < 43_200_000 ? clockTime : dayAndTime).format(ms);

function propertiesOf(row) {
  return Object.entries(row.properties ?? {})
    .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' · ');
}

/** How an event came: the leaving page itself sends rows, the queue (in the worker, or in the page) sends columns. */
function wayOf(row) {
  return row.form === 'rows'
    ? { chip: 'exit', title: 'Sent by the page itself while it was leaving, as rows' }
    : { chip: 'queue', title: 'Sent by the queue, as a batch in columns' };
}

// --- rows --------------------------------------------------------------------------------------------------------------

const matches = (row) =>
  !filter ||
  `${row.name} ${row.page ?? ''} ${propertiesOf(row)} ${row.id} ${row.batchId ?? ''}`.toLowerCase().includes(filter);

/** @param {Row} row */
function rowElement(row) {
  const waited = row.receivedAt - row.at;
  const way = wayOf(row);
  const came = element(
    'span',
    { class: 'came', title: way.title },
    element('span', { class: `chip chip-${way.chip}` }, way.chip),
  );
  if (row.batchId) came.append(element('span', { class: 'batch' }, row.batchId.slice(0, 6)));
  if (row.attempt > 1) came.append(element('span', { class: 'attempt' }, `try ${row.attempt}`));
  const took = element(
    'span',
    { class: 'took' },
    element('b', {}, duration(waited)),
    element('time', {}, timeOf(row.receivedAt)),
  );
  if (waited >= WAITED_MS) took.classList.add('waited');
  const summary = element(
    'summary',
    {},
    element('span', { class: 'name', 'data-category': row.category }, row.name),
    element('span', { class: 'page' }, row.page ?? ''),
    element('span', { class: 'properties' }, propertiesOf(row)),
    came,
    took,
  );
  const details = element('details', {}, summary);
  // Built when it is opened: most rows never are.
  details.addEventListener('toggle', () => {
    if (details.childElementCount === 1) details.append(element('pre', {}, JSON.stringify(row, null, 2)));
  });
  const item = element('li', { class: 'row' }, details);
  if (row.order >= flashFrom && !reducedMotion.matches) item.classList.add('fresh');
  return item;
}

function showAllRows() {
  $('rows').replaceChildren(...rows.filter(matches).map(rowElement));
  showListEnds();
}

function showListEnds() {
  const shown = $('rows').childElementCount;
  $('empty').hidden = shown > 0;
  $('empty').textContent =
    rows.length === 0 ? 'Nothing yet. Open the shop and click something.' : 'No row matches the filter.';
  $('older').hidden = !(rows.length > 0 && rows.length < status.unique && shown > 0);
}

/** @param {Row[]} arrived oldest first */
function addRows(arrived) {
  if (paused) {
    held.push(...arrived);
    if (held.length > KEPT_ROWS) held = held.slice(-KEPT_ROWS);
    $('pause').textContent = `Resume (${number.format(held.length)} new)`;
    return;
  }
  // More than the list holds: the ones in between are in the database, not in the page.
  const newest = arrived.slice(-KEPT_ROWS).reverse();
  rows = [...newest, ...rows].slice(0, KEPT_ROWS);
  const list = $('rows');
  list.prepend(...newest.filter(matches).map(rowElement));
  while (list.childElementCount > KEPT_ROWS) list.lastElementChild.remove();
  showListEnds();
}

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
  $('pause').textContent = paused ? 'Resume' : 'Pause';
  if (!paused) addRows(held.splice(0));
});

$('filter').addEventListener('input', () => {
  filter = $('filter').value.trim().toLowerCase();
  showAllRows();
});

$('older').addEventListener('click', async () => {
  const button = $('older');
  button.disabled = true;
  try {
    const answer = await fetch(`/live/rows?before=${rows.at(-1).order}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { rows: older } = await answer.json();
    if (!paused) $('pause').click(); // reading back and being pushed around by new rows do not go together
    rows = [...rows, ...older];
    $('rows').append(...older.filter(matches).map(rowElement));
    showListEnds();
    if (older.length === 0) button.hidden = true;
  } catch {
    button.textContent = 'Could not be read. Try again';
  } finally {
    button.disabled = false;
  }
});

// --- counters, sources, faults -----------------------------------------------------------------------------------------

function showStatus() {
  $('c-unique').textContent = number.format(status.unique);
  $('c-received').textContent = number.format(status.received);
  $('c-duplicates').textContent = number.format(status.duplicates);
  $('c-requests').textContent = number.format(status.requestCount);
  $('c-requests-note').textContent = status.failed ? `${number.format(status.failed)} failed` : 'none failed';
  $('c-bytes').textContent = status.received ? number.format(Math.round(status.bytes / status.received)) : '–';
  $('database').textContent = status.database ?? '';
  $('collector').textContent = status.collector ?? '';
  showSources();
  ledgerSoon();
  showFault();
  showTicking();
}

/** What changes by time alone. */
function showTicking() {
  $('c-last').textContent = status.lastRequestAt ? duration(now() - status.lastRequestAt) : '–';
  $('c-last-note').textContent = status.lastRequestAt ? 'ago' : 'none since the start';
  showFault();
}

const LEDGER_MS = 2_000;
let ledgerDue = false;

/** Asks what the ledger says, a moment after something happened: often enough to be seen, seldom enough to cost nothing. */
function ledgerSoon() {
  if (ledgerDue) return;
  ledgerDue = true;
  setTimeout(async () => {
    ledgerDue = false;
    try {
      const answer = await fetch('/live/ledger');
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      showLedger(await answer.json());
    } catch {
      $('ledger-words').textContent = 'The ledger does not answer.';
    }
  }, LEDGER_MS);
}

function showLedger({ total, missingSources }) {
  const dropped = Object.values(total.dropped).reduce((sum, count) => sum + count, 0);
  const { accepted, delivered, possible, unknown, missing } = total;
  const cells = { accepted, delivered, dropped, possible, unknown, missing };
  $('ledger').replaceChildren(
    ...Object.entries(cells).map(([name, count]) =>
      element(
        'div',
        { class: name === 'missing' && count > 0 ? 'incomplete' : '' },
        element('dt', {}, name),
        element('dd', {}, number.format(count)),
      ),
    ),
  );
  const sources = `${number.format(total.sources)} ${total.sources === 1 ? 'page load' : 'page loads'}`;
  const still = possible > 0 ? ` ${number.format(possible)} may still arrive.` : '';
  const found =
    missingSources > 0
      ? `Missing from ${number.format(missingSources)} of ${sources}.`
      : `Nothing is missing, of ${sources}.`;
  $('ledger-words').textContent = `${found}${still}`;
}

function rangeWords([first, last]) {
  return first === last ? `${first}` : `${first}–${last}`;
}

function showSources() {
  $('sources').replaceChildren(
    ...status.sources.map((source) => {
      const strip = element('span', { class: 'strip', 'aria-hidden': 'true' });
      const part = (cls, first, last) => {
        const piece = element('i', { class: cls });
        piece.style.flexGrow = String(last - first + 1);
        strip.append(piece);
      };
      let next = 1;
      const holes = [
        ...source.missing.map((range) => ({ range, cls: 'hole' })),
        ...source.dropped.map(({ first, last }) => ({ range: [first, last], cls: 'drop' })),
      ].sort((a, b) => a.range[0] - b.range[0]);
      for (const { range, cls } of holes) {
        if (range[0] > next) part('have', next, range[0] - 1);
        part(cls, range[0], range[1]);
        next = range[1] + 1;
      }
      if (next <= source.last) part('have', next, source.last);
      const words = [`1–${number.format(source.last)}`];
      if (source.missing.length)
        words.push(
          `not here: ${source.missing.slice(0, 3).map(rangeWords).join(', ')}${source.missing.length > 3 ? ' …' : ''}`,
        );
      for (const drop of source.dropped.slice(0, 2))
        words.push(`dropped ${rangeWords([drop.first, drop.last])} (${drop.reason})`);
      if (!source.missing.length && !source.dropped.length) words.push('complete');
      return element(
        'li',
        { class: source.missing.length ? 'source incomplete' : 'source' },
        element('span', { class: 'source-words' }, element('b', {}, words[0]), ` ${words.slice(1).join(' · ')}`),
        element(
          'span',
          { class: 'source-id' },
          source.source.slice(0, 8),
          ' ',
          element('time', {}, timeOf(source.lastAt)),
        ),
        strip,
      );
    }),
  );
  if (status.sources.length === 0)
    $('sources').append(element('li', { class: 'source none' }, 'No page has been here yet.'));
}

const faultButtons = new Map(
  FAULTS.map((fault) => {
    const button = element(
      'button',
      { type: 'button', 'aria-pressed': 'false' },
      element('b', {}, `${fault.label} for ${fault.seconds} s`),
      element('span', {}, fault.about),
    );
    button.addEventListener('click', () =>
      misbehave(button.getAttribute('aria-pressed') === 'true' ? 'none' : fault.kind),
    );
    $('faults').append(element('li', {}, button));
    return [fault.kind, button];
  }),
);

async function misbehave(kind) {
  try {
    const answer = await fetch('/live/fault', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind, seconds: FAULTS.find((fault) => fault.kind === kind)?.seconds }),
    });
    if (!answer.ok) throw new Error((await answer.json()).message);
    status.fault = (await answer.json()).fault;
    if (kind !== 'none') tick('cut');
    showFault();
  } catch (error) {
    $('fault-now').hidden = false;
    $('fault-now').textContent = `That did not work: ${error instanceof Error ? error.message : error}`;
  }
}

function showFault() {
  const left = status.fault ? Math.ceil((status.fault.until - now()) / 1000) : 0;
  const active = left > 0 ? status.fault.kind : undefined;
  document.body.classList.toggle('misbehaving', active !== undefined);
  for (const [kind, button] of faultButtons) button.setAttribute('aria-pressed', String(kind === active));
  const line = $('fault-now');
  const text = active
    ? `${FAULTS.find((fault) => fault.kind === active)?.label ?? active}: ${left} s left. Press again to end it.`
    : '';
  line.hidden = !active;
  // The seconds are shown, not spoken: a status region that changes each second would never be quiet.
  if (line.textContent !== text) {
    line.setAttribute('aria-live', line.dataset.kind === active ? 'off' : 'polite');
    line.dataset.kind = active ?? '';
    line.textContent = text;
  }
}

// --- the four steps: each ticks itself when its effect is seen -----------------------------------------------------------

/** @type {Set<string>} */
const done = new Set();
/** Sources seen before the network was cut: an event of a new one means that a tab was closed and opened again. */
let sourcesBefore = new Set();

function tick(step) {
  if (step === 'cut' && !done.has('cut')) sourcesBefore = new Set(status.sources.map(({ source }) => source));
  if (done.has(step)) return;
  done.add(step);
  const item = document.querySelector(`[data-step="${step}"]`);
  item.classList.add('done');
  item.querySelector('h3').append(element('span', { class: 'visually-hidden' }, ' (done)'));
}

/** @param {Row[]} arrived oldest first */
function watchSteps(arrived) {
  if (arrived.length) tick('click');
  if (!done.has('cut')) return;
  const cameBack = arrived.some((row) => !sourcesBefore.has(row.source));
  if (cameBack) tick('close');
  if (done.has('close') && arrived.some((row) => row.receivedAt - row.at >= WAITED_MS)) tick('back');
}

// --- chart: each event a line from the moment it was tracked to the moment it was stored ---------------------------------

const canvas = $('chart');
/** @type {{ at: number, receivedAt: number }[]} */
let lines = [];
/** @type {{ from: number, until: number }[]} */
let shades = [];

/** @param {Row[]} arrived */
function addLines(arrived) {
  const since = now() - CHART_MS;
  lines = [...lines, ...arrived].filter(({ receivedAt }) => receivedAt > since).slice(-DRAWN_LINES);
}

function draw() {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const styles = getComputedStyle(canvas);
  const colour = (name) => styles.getPropertyValue(name).trim();
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const end = now();
  const left = 8;
  const right = width - 8;
  const x = (at) => left + ((at - (end - CHART_MS)) / CHART_MS) * (right - left);
  const top = 22;
  const bottom = height - 26;

  context.fillStyle = colour('--shade');
  for (const { from, until } of shades) {
    const a = Math.max(left, x(from));
    const b = Math.min(right, x(until));
    if (b > a) context.fillRect(a, 4, b - a, height - 8);
  }
  context.strokeStyle = colour('--line');
  context.lineWidth = 1;
  context.beginPath();
  for (const y of [top, bottom]) {
    context.moveTo(left, y);
    context.lineTo(right, y);
  }
  context.stroke();
  context.fillStyle = colour('--ink-2');
  context.font = `12px ${styles.fontFamily}`;
  context.textBaseline = 'alphabetic';
  context.fillText('tracked', left, top - 7);
  context.fillText('stored', left, height - 8);
  context.textAlign = 'right';
  context.fillText('now', right, height - 8);
  context.textAlign = 'left';

  for (const waited of [false, true]) {
    context.strokeStyle = colour(waited ? '--wait' : '--way');
    context.lineWidth = waited ? 1.5 : 1.25;
    context.globalAlpha = waited ? 0.85 : 0.6;
    context.beginPath();
    for (const { at, receivedAt } of lines) {
      if (receivedAt - at >= WAITED_MS !== waited) continue;
      context.moveTo(Math.max(left, x(at)), top);
      context.lineTo(x(receivedAt), bottom);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
  for (const { at, ok } of status.requests) {
    if (at < end - CHART_MS) continue;
    context.fillStyle = colour(ok ? '--ok' : '--bad');
    context.beginPath();
    if (ok) context.arc(x(at), bottom, 4, 0, 7);
    else {
      // Not by colour alone: a failed request is a diamond.
      context.moveTo(x(at), bottom - 6);
      context.lineTo(x(at) + 6, bottom);
      context.lineTo(x(at), bottom + 6);
      context.lineTo(x(at) - 6, bottom);
    }
    context.fill();
  }
}

function noteShade() {
  const { fault } = status;
  const since = now() - CHART_MS;
  shades = shades.filter(({ until }) => until > since);
  if (fault) {
    const known = shades.find(({ from }) => from === fault.from);
    if (known) known.until = fault.until;
    else shades.push({ from: fault.from, until: fault.until });
  }
  // Ended before its time: the shade ends now.
  for (const shade of shades) if (shade.from !== fault?.from && shade.until > now()) shade.until = now();
}

setInterval(() => {
  if (document.hidden) return;
  showTicking();
  noteShade();
  draw();
}, 250);
addEventListener('resize', draw);

// --- stream ------------------------------------------------------------------------------------------------------------

let toAnnounce = 0;
setInterval(() => {
  if (toAnnounce > 0) $('announce').textContent = `${toAnnounce} new ${toAnnounce === 1 ? 'row' : 'rows'}`;
  toAnnounce = 0;
}, 5000);

function linkState(state, words) {
  $('link-state').dataset.state = state;
  if ($('link-words').textContent !== words) $('link-words').textContent = words;
}

/** @type {EventSource} */
let stream;

function connect() {
  stream = new EventSource('/live/stream');
  stream.onopen = () => linkState('open', 'live');
  stream.onerror = () => {
    linkState('closed', 'the demo is not running; waiting for it');
    // EventSource tries again by itself after a cut, and gives up for good after an answer that is no stream.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
  stream.addEventListener('snapshot', ({ data }) => {
    const snapshot = JSON.parse(data);
    skew = snapshot.now - Date.now();
    status = snapshot.status;
    // A snapshot replaces everything: after a restart the database may be another one.
    held = [];
    rows = snapshot.rows;
    lines = [];
    flashFrom = (rows[0]?.order ?? 0) + 1;
    addLines(snapshot.lines);
    showAllRows();
    showStatus();
    if (rows.length) tick('click');
    watchSteps([...rows].reverse().filter((row) => row.receivedAt > snapshot.startedAt));
    noteShade();
    draw();
  });
  stream.addEventListener('rows', ({ data }) => {
    const { rows: arrived } = JSON.parse(data);
    addLines(arrived);
    addRows(arrived);
    watchSteps(arrived);
    toAnnounce += arrived.length;
  });
  stream.addEventListener('status', ({ data }) => {
    const message = JSON.parse(data);
    skew = message.now - Date.now();
    status = message.status;
    showStatus();
    showListEnds();
    noteShade();
  });
}

connect();
