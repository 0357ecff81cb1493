// The single-page app: Petrel by import. In an app with a bundler this line is `import { createTracker } from 'petrel'`.
import { createTracker } from '/petrel/index.js';

const { endpoint, key } = document.getElementById('app-script').dataset;
const petrel = createTracker({ endpoint, key, serviceWorker: { url: '/petrel-sw.js' } });
window.petrel = petrel; // for the badge

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const BOOK = 'small-weather.rain-book';

/** @returns {{ at: number, mm: number }[]} */
function readBook() {
  try {
    const book = JSON.parse(localStorage.getItem(BOOK) ?? '[]');
    return Array.isArray(book) ? book.filter(({ at, mm }) => Number.isFinite(at) && Number.isFinite(mm)) : [];
  } catch {
    return []; // storage refused or unreadable
  }
}

function writeBook(book) {
  try {
    localStorage.setItem(BOOK, JSON.stringify(book.slice(-366)));
  } catch {
    $('[data-said]').textContent = 'This browser keeps nothing for the app; the reading will not last.';
  }
}

const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });

function show() {
  const view = $(`[data-view="${location.pathname}"]`) ?? $('[data-view]');
  for (const each of $$('[data-view]')) each.hidden = each !== view;
  for (const link of $$('nav [data-route]')) {
    if (link.getAttribute('href') === location.pathname) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${$('h1', view).textContent} · Rain book`;

  const book = readBook();
  $('[data-readings]').replaceChildren(
    ...book
      .slice(-7)
      .reverse()
      .map(({ at, mm }) => {
        const item = document.createElement('li');
        const when = document.createElement('span');
        const amount = document.createElement('b');
        when.textContent = day.format(at);
        amount.textContent = `${mm} mm`;
        item.append(when, amount);
        return item;
      }),
  );
  const sum = book.reduce((total, { mm }) => total + mm, 0);
  $('[data-sum]').textContent = book.length
    ? `${sum.toFixed(1)} mm in ${book.length} ${book.length === 1 ? 'reading' : 'readings'}.`
    : 'No readings yet.';
  const most = Math.max(1, ...book.map(({ mm }) => mm));
  $('[data-bars]').replaceChildren(
    ...book.slice(-60).map(({ mm }) => {
      const bar = document.createElement('i');
      bar.style.height = `${Math.max(1.5, (mm / most) * 100)}%`;
      return bar;
    }),
  );
}

function pageView() {
  petrel.page({ path: location.pathname });
}

document.addEventListener('click', (click) => {
  const link = click.target.closest('a[data-route]');
  if (link && !click.metaKey && !click.ctrlKey && !click.shiftKey) {
    click.preventDefault();
    if (link.pathname === location.pathname) return;
    history.pushState(null, '', link.href);
    show();
    $('#main').focus();
    pageView();
  }
  if (click.target.closest('[data-clear]')) {
    petrel.track('Book Begun', { readings: readBook().length });
    writeBook([]);
    show();
  }
});

addEventListener('popstate', () => {
  show();
  pageView();
});

document.addEventListener('submit', (submit) => {
  submit.preventDefault();
  const { mm } = submit.target.elements;
  const amount = Number(mm.value);
  if (!mm.value || !(amount >= 0 && amount <= 70)) return;
  writeBook([...readBook(), { at: Date.now(), mm: amount }]);
  petrel.track('Reading Written', { wet: amount > 0 });
  $('[data-said]').textContent = 'Written. Now you may empty the glass.';
  submit.target.reset();
  show();
});

show();
pageView();
