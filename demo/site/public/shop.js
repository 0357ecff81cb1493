// Calls made before petrel.js is there wait in its place, in order. (Usually inline in the page; this page's policy allows files only.)
window.petrel ??= new Proxy([], {
  get: (calls, verb) => (verb in calls ? calls[verb] : (...call) => calls.push([verb, ...call])),
});

/** @typedef {{ sku: string, slug: string, name: string, price: number }} Product */

/** @type {Product[]} */
const catalogue = JSON.parse(document.getElementById('catalogue').textContent);
const bySku = new Map(catalogue.map((product) => [product.sku, product]));
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** The tracker is looked up at each call: the script tag replaces the stub when it arrives. */
const track = (name, properties, options) => window.petrel.track(name, properties, options);

// Basket: sku → quantity, shared by the shop's tabs.
const BASKET = 'small-weather.basket';

function readBasket() {
  try {
    const stored = JSON.parse(localStorage.getItem(BASKET) ?? '{}');
    return new Map(Object.entries(stored).filter(([sku, n]) => bySku.has(sku) && Number.isInteger(n) && n > 0));
  } catch {
    return new Map(); // storage refused or unreadable: an empty basket is the honest answer
  }
}

function writeBasket(basket) {
  try {
    localStorage.setItem(BASKET, JSON.stringify(Object.fromEntries(basket)));
  } catch {
    toast('This browser keeps nothing for the shop, so the basket will not last.');
  }
  showBasket();
}

const countOf = (basket) => [...basket.values()].reduce((sum, n) => sum + n, 0);
const totalOf = (basket) => [...basket].reduce((sum, [sku, n]) => sum + bySku.get(sku).price * n, 0);

let toastTimer;
function toast(text) {
  const element = $('[data-toast]');
  element.textContent = text;
  element.classList.add('shown');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => element.classList.remove('shown'), 2600);
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function showBasket() {
  const basket = readBasket();
  const count = countOf(basket);
  const badge = $('[data-basket-count]');
  badge.textContent = String(count);
  badge.hidden = count === 0;

  const page = $('[data-basket]');
  if (!page || !$('[data-basket-done]', page).hidden) return;
  $('[data-basket-empty]', page).hidden = count > 0;
  $('[data-basket-full]', page).hidden = count === 0;
  $('[data-basket-total]', page).textContent = `€${totalOf(basket)}`;
  const lines = $('[data-basket-lines]', page);
  const focused = document.activeElement?.closest('[data-step]')?.dataset;
  lines.replaceChildren(
    ...[...basket].map(([sku, n]) => {
      const { name, slug, price } = bySku.get(sku);
      const step = (by, label, sign) =>
        element('button', { type: 'button', 'data-step': by, 'data-sku': sku, 'aria-label': `${label} ${name}` }, sign);
      return element(
        'li',
        { class: 'line' },
        element('a', { href: `/shop/${slug}` }, name),
        element(
          'span',
          { class: 'stepper' },
          step('-1', 'One fewer', '−'),
          element('output', {}, String(n)),
          step('1', 'One more', '+'),
        ),
        element('span', { class: 'price' }, `€${price * n}`),
      );
    }),
  );
  if (focused) $(`[data-step="${focused.step}"][data-sku="${focused.sku}"]`, lines)?.focus();
}

document.addEventListener('click', (click) => {
  const add = click.target.closest('[data-add]');
  if (add) {
    const { sku, name, price } = bySku.get(add.dataset.add);
    const basket = readBasket();
    basket.set(sku, (basket.get(sku) ?? 0) + 1);
    writeBasket(basket);
    toast(`${name} is in the basket.`);
    track('Product Added', { sku, name, price, quantity: 1, from: add.dataset.from });
  }
  const step = click.target.closest('[data-step]');
  if (step) {
    const { sku } = step.dataset;
    const by = Number(step.dataset.step);
    const basket = readBasket();
    const quantity = (basket.get(sku) ?? 0) + by;
    if (quantity > 0) basket.set(sku, quantity);
    else basket.delete(sku);
    writeBasket(basket);
    track(by > 0 ? 'Product Added' : 'Product Removed', {
      sku,
      price: bySku.get(sku).price,
      quantity: 1,
      from: 'basket',
    });
  }
  const cta = click.target.closest('[data-cta]');
  // Tracked in the same task as the navigation it starts: the hardest moment for an event, and it must not be lost.
  if (cta) track('Call To Action', { place: cta.dataset.cta, to: cta.getAttribute('href') });
});

document.addEventListener('submit', (submit) => {
  const form = submit.target;
  if (form.matches('[data-newsletter]')) {
    submit.preventDefault();
    const mail = form.elements.mail;
    const valid = mail.checkValidity();
    $('.said', form).textContent = valid
      ? 'Done. We pretended to write it down.'
      : 'That does not look like an address.';
    mail.setAttribute('aria-invalid', String(!valid));
    // What was typed stays in the field: an event says that somebody signed up, not who.
    track(valid ? 'Newsletter Signed Up' : 'Newsletter Refused', { place: form.dataset.newsletter });
    if (valid) form.reset();
  } else if (form.matches('[data-checkout]')) {
    submit.preventDefault();
    checkOut(form);
  } else if (form.matches('[data-search]')) {
    submit.preventDefault();
    search(form.elements.q.value, 'submit');
  }
});

function checkOut(form) {
  const basket = readBasket();
  if (basket.size === 0) return;
  const orderId = `SW-${Date.now().toString(36).toUpperCase()}`;
  track(
    'Order Completed',
    {
      orderId,
      total: totalOf(basket),
      currency: 'EUR',
      delivery: new FormData(form).get('delivery'),
      items: [...basket].map(([sku, quantity]) => ({ sku, quantity, price: bySku.get(sku).price })),
    },
    { priority: 'critical' },
  );
  const page = $('[data-basket]');
  $('[data-order-id]', page).textContent = orderId;
  $('[data-basket-full]', page).hidden = true;
  const done = $('[data-basket-done]', page);
  done.hidden = false;
  writeBasket(new Map());
  $('h2', done).focus();
}

// List: search and filter work on what is on the page, so they work offline as well.
let kind = '';
let query = '';
let searchTimer;

function showList() {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of $$('.card[data-words]')) {
    const hit = (!kind || card.dataset.kind === kind) && words.every((word) => card.dataset.words.includes(word));
    card.hidden = !hit;
    if (hit) shown++;
  }
  $('[data-found]').textContent =
    shown === 0 ? 'Nothing like that. Try “night”, “rain” or “tide”.' : words.length || kind ? `${shown} found` : '';
  return shown;
}

function search(text, by) {
  clearTimeout(searchTimer);
  if (text.trim() === query && by !== 'load') return;
  query = text.trim();
  const results = showList();
  history.replaceState(null, '', query ? `?q=${encodeURIComponent(query)}` : location.pathname);
  if (query) track('Products Searched', { query, results });
}

const searchForm = $('[data-search]');
if (searchForm) {
  searchForm.elements.q.addEventListener('input', (input) => {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => search(input.target.value, 'typing'), 600);
  });
  for (const chip of $$('[data-kind-filter]')) {
    chip.addEventListener('click', () => {
      kind = chip.dataset.kindFilter;
      for (const other of $$('[data-kind-filter]')) other.setAttribute('aria-pressed', String(other === chip));
      track('Products Filtered', { kind: kind || 'all', results: showList() });
    });
  }
  if (searchForm.elements.q.value) search(searchForm.elements.q.value, 'load');
}

const productPage = $('[data-product]');
if (productPage) {
  const { product: sku, price, kind } = productPage.dataset;
  track('Product Viewed', { sku, name: bySku.get(sku).name, price: Number(price), kind });
}

// How far the journal was read: each quarter once, when its end has been on screen.
const article = $('[data-article]');
if (article) {
  const parts = $$('.prose > *', article);
  const marks = new Map(
    [25, 50, 75, 100].map((percent) => [parts[Math.ceil((parts.length * percent) / 100) - 1], percent]),
  );
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((entry) => entry.isIntersecting)) {
      seen.unobserve(entry.target);
      track('Article Read', { article: article.dataset.article, percent: marks.get(entry.target) });
    }
  });
  for (const part of marks.keys()) seen.observe(part);
}

addEventListener('storage', showBasket);
addEventListener('pageshow', showBasket);
showBasket();

// The site's own service worker, for its own offline use. Petrel's is a different one with a scope of its own.
navigator.serviceWorker?.register('/sw.js').catch(() => {
  // no worker here (private mode, http): the site then needs the network, which is all that changes
});
