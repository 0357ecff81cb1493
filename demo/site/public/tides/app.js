// The PWA: Petrel's queue runs in the app's own worker. With a bundler: `import { createTracker } from 'petrel'`.
import { createTracker } from '/petrel/index.js';

/** Half a lunar day, in ms: from one high water to the next. */
const TIDE_MS = 44_714_000;
/** A high water of this island, which is as made up as the island. */
const HIGH_WATER = Date.UTC(2026, 0, 3, 10, 4);

const { endpoint, key } = document.getElementById('app-script').dataset;
const registration = await navigator.serviceWorker?.register('/tides/sw.js', { type: 'module', scope: '/tides' });
const petrel = createTracker({ endpoint, key, serviceWorker: registration ? { registration } : false });
window.petrel = petrel; // for the badge

const $ = (selector) => document.querySelector(selector);
const time = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' });

function show() {
  const now = Date.now();
  const half = TIDE_MS / 2;
  const first = Math.ceil((now - HIGH_WATER) / half);
  $('[data-tides]').replaceChildren(
    ...Array.from({ length: 6 }, (_, i) => {
      const item = document.createElement('li');
      const kind = document.createElement('span');
      const when = document.createElement('b');
      kind.textContent = (first + i) % 2 === 0 ? 'High water' : 'Low water';
      when.textContent = time.format(HIGH_WATER + (first + i) * half);
      item.append(kind, when);
      return item;
    }),
  );
  // How far between low and high, for the picture.
  const height = (1 + Math.cos(((now - HIGH_WATER) / TIDE_MS) * 2 * Math.PI)) / 2;
  $('[data-level]').style.height = `${12 + height * 76}%`;
  $('[data-now]').textContent =
    `${Math.round(height * 100)} % of high water, ${Math.sin(((now - HIGH_WATER) / TIDE_MS) * 2 * Math.PI) > 0 ? 'falling' : 'rising'}.`;
}

$('[data-walk]').addEventListener('click', () => {
  petrel.track('Walk Noted', { online: navigator.onLine });
  $('[data-said]').textContent = 'Noted. It will arrive, also from a boat.';
});

show();
setInterval(show, 60_000);
petrel.page();
