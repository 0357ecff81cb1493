/**
 * The demo shop's pages. A real small site: each page is a document of its own, so that leaving one is a real navigation.
 */
import { ART, MARK, SEASCAPE } from './art.mjs';
import { CATALOGUE, KINDS, productBySlug } from './catalogue.mjs';
import { html, json } from './html.mjs';

/**
 * @typedef {object} Visit What a page needs to know about the request.
 * @property {string} collector URL events go to.
 * @property {string} key Write key.
 */

const money = (/** @type {number} */ euros) => `€${euros}`;

/** @param {import('./catalogue.mjs').Product} product */
function card(product) {
  return html`<li class="card" data-sku="${product.sku}" data-kind="${product.kind}" data-words="${`${product.name} ${product.line}`.toLowerCase()}">
    <a class="card-link" href="/shop/${product.slug}">
      <span class="plate">${ART[product.slug]}</span>
      <span class="card-name">${product.name}</span>
      <span class="card-line">${product.line}</span>
    </a>
    <p class="card-foot">
      <span class="price">${money(product.price)}</span>
      <button type="button" class="button quiet" data-add="${product.sku}" data-from="list">Add<span class="visually-hidden"> ${product.name} to basket</span></button>
    </p>
  </li>`;
}

/**
 * @param {Visit} visit
 * @param {{ title: string, description: string, here: string, main: unknown, head?: unknown }} page
 */
function layout(visit, page) {
  const link = (/** @type {string} */ href, /** @type {string} */ label) =>
    html`<a class="nav-link" href="${href}" ${page.here === href ? html`aria-current="page"` : ''}>${label}</a>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f2ea" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0c1524" media="(prefers-color-scheme: dark)">
<title>${page.title}</title>
<meta name="description" content="${page.description}">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/shop.css">
<script type="module" src="/shop.js"></script>
<script type="module" src="/badge.js"></script>
<!-- Petrel: this line, and the stub at the top of shop.js. -->
<script async src="/petrel.js" data-endpoint="${visit.collector}" data-key="${visit.key}" data-sw="/petrel-sw.js"></script>
${page.head}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
  <a class="brand" href="/">${MARK}<span>Small Weather</span></a>
  <nav aria-label="Main">${link('/shop', 'Shop')}${link('/journal', 'Journal')}${link('/about', 'About')}</nav>
  <a class="basket-link" href="/basket" ${page.here === '/basket' ? html`aria-current="page"` : ''}>
    <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M5 9h14l-1.6 10.2a1 1 0 0 1-1 .8H7.6a1 1 0 0 1-1-.8zM8.5 9l3-5.5M15.5 9l-3-5.5"/></svg>
    <span class="basket-word">Basket</span><span class="basket-count" data-basket-count hidden>0</span>
  </a>
</header>
<main id="main" tabindex="-1">${page.main}</main>
<footer class="foot">
  <section class="letter" aria-labelledby="letter-title">
    <h2 id="letter-title">The glass is falling</h2>
    <p>One letter each time the pressure drops ten points in a day. About six a year.</p>
    <form data-newsletter="footer" novalidate>
      <label class="visually-hidden" for="letter-mail">E-mail address</label>
      <input id="letter-mail" name="mail" type="email" autocomplete="off" placeholder="you@example.com" required aria-describedby="letter-said">
      <button class="button">Sign up</button>
      <p id="letter-said" class="said" role="status"></p>
    </form>
  </section>
  <p class="small">A made-up shop: nothing is for sale and no form sends anything anywhere. It exists so that Petrel has something to count.</p>
  <p class="small links"><a href="/live">What the collector received</a><a href="/app">The single-page app</a><a href="/tides">The offline app</a></p>
</footer>
<petrel-badge></petrel-badge>
<div class="toast" role="status" aria-live="polite" data-toast></div>
<script type="application/json" id="catalogue">${json(CATALOGUE.map(({ sku, slug, name, price }) => ({ sku, slug, name, price })))}</script>
</body>
</html>`.toString();
}

/** @param {Visit} visit */
export function home(visit) {
  const first = CATALOGUE.slice(0, 3);
  return layout(visit, {
    title: 'Small Weather: instruments for people who live near the sea',
    description: 'Barometers, tide clocks and storm lanterns. A made-up shop that shows Petrel at work.',
    here: '/',
    main: html`
<section class="hero">
  ${SEASCAPE}
  <div class="hero-words">
    <h1>See it coming.</h1>
    <p>Barometers, tide clocks and lanterns for people who live near water and would like a little warning.</p>
    <p class="actions"><a class="button big" href="/shop" data-cta="hero">Browse the instruments</a></p>
  </div>
</section>
<section class="band" aria-labelledby="first-title">
  <header class="band-head"><h2 id="first-title">Three to begin with</h2><a href="/shop">All six instruments</a></header>
  <ul class="cards">${first.map(card)}</ul>
</section>
<section class="band split" aria-labelledby="keep-title">
  <div class="plate wide">${ART['drizzle-rain-gauge']}</div>
  <div class="prose">
    <h2 id="keep-title">What fell must be in the glass</h2>
    <p>The rule of the rain gauge is older than the shop: count every drop, and count it once. It does not matter that nobody was looking, that the gate blew shut, or that it rained all night.</p>
    <p>In the morning the number is there.</p>
    <p><a href="/journal">Read “How to keep a rain book”</a></p>
  </div>
</section>`,
  });
}

/** @param {Visit} visit @param {string} query */
export function list(visit, query) {
  return layout(visit, {
    title: 'All instruments · Small Weather',
    description: 'Six instruments for weather, from the barometer to the rain gauge.',
    here: '/shop',
    main: html`
<section class="band page-head">
  <h1>All instruments</h1>
  <form class="search" role="search" action="/shop" data-search>
    <label class="visually-hidden" for="q">Search the shop</label>
    <input id="q" name="q" type="search" value="${query}" placeholder="Search: brass, rain, night…" autocomplete="off">
    <button class="button quiet">Search</button>
  </form>
  <div class="filters" role="group" aria-label="Show">
    <button type="button" class="chip" data-kind-filter="" aria-pressed="true">Everything</button>
    ${Object.entries(KINDS).map(([kind, label]) => html`<button type="button" class="chip" data-kind-filter="${kind}" aria-pressed="false">${label}</button>`)}
  </div>
  <p class="found" role="status" data-found></p>
</section>
<section class="band tight" aria-label="Instruments"><ul class="cards">${CATALOGUE.map(card)}</ul></section>`,
  });
}

/** @param {Visit} visit @param {string} slug */
export function product(visit, slug) {
  const product = productBySlug(slug);
  if (!product) return undefined;
  const sameKind = (/** @type {import('./catalogue.mjs').Product} */ other) => Number(other.kind === product.kind);
  const others = CATALOGUE.filter((other) => other !== product)
    .sort((a, b) => sameKind(b) - sameKind(a))
    .slice(0, 3);
  return layout(visit, {
    title: `${product.name} · Small Weather`,
    description: product.line,
    here: '/shop',
    main: html`
<article class="band product" data-product="${product.sku}" data-price="${product.price}" data-kind="${product.kind}">
  <div class="plate tall">${ART[product.slug]}</div>
  <div class="product-words">
    <p class="crumb"><a href="/shop">All instruments</a> <span aria-hidden="true">/</span> ${KINDS[product.kind]}</p>
    <h1>${product.name}</h1>
    <p class="lead">${product.line}</p>
    <p>${product.story}</p>
    <dl class="facts">${product.facts.map(([term, fact]) => html`<div><dt>${term}</dt><dd>${fact}</dd></div>`)}</dl>
    <div class="buy">
      <span class="price big">${money(product.price)}</span>
      <button type="button" class="button big" data-add="${product.sku}" data-from="product">Add to basket</button>
    </div>
  </div>
</article>
<section class="band" aria-labelledby="others-title">
  <header class="band-head"><h2 id="others-title">On the same shelf</h2></header>
  <ul class="cards">${others.map(card)}</ul>
</section>`,
  });
}

/** @param {Visit} visit */
export function basket(visit) {
  return layout(visit, {
    title: 'Basket · Small Weather',
    description: 'What you are about to not buy.',
    here: '/basket',
    main: html`
<section class="band page-head"><h1>Basket</h1></section>
<section class="band tight basket" data-basket>
  <noscript><p>The basket needs JavaScript.</p></noscript>
  <div class="basket-empty" data-basket-empty hidden>
    <p class="lead">Nothing in here yet.</p>
    <p><a class="button" href="/shop">Browse the instruments</a></p>
  </div>
  <div class="basket-full" data-basket-full hidden>
    <ul class="lines" data-basket-lines></ul>
    <form class="till" data-checkout aria-labelledby="till-title">
      <h2 id="till-title">Pay, as it were</h2>
      <fieldset>
        <legend>Delivery</legend>
        <label><input type="radio" name="delivery" value="harbour" checked> Leave it at the harbour office</label>
        <label><input type="radio" name="delivery" value="boat"> By the mail boat, weather permitting</label>
      </fieldset>
      <p class="total"><span>Total</span> <strong data-basket-total>€0</strong></p>
      <button class="button big">Place the order</button>
      <p class="small">No money moves. The order becomes one event with high priority.</p>
    </form>
  </div>
  <div class="basket-done" data-basket-done hidden>
    <div class="plate round">${ART['lee-storm-lantern']}</div>
    <h2 tabindex="-1">Thank you. The lamp is lit.</h2>
    <p>Order <strong data-order-id></strong> is written down. Whether or not the line to the mainland is up, it will get there: look for it in <a href="/live">what the collector received</a>.</p>
    <p><a class="button" href="/shop">Back to the shop</a></p>
  </div>
</section>`,
  });
}

/** @param {Visit} visit */
export function journal(visit) {
  return layout(visit, {
    title: 'How to keep a rain book · Small Weather',
    description: 'Twelve months, one notebook, and the difference between a dry day and a day you forgot.',
    here: '/journal',
    main: html`
<article class="band essay" data-article="rain-book">
  <header>
    <p class="crumb">Journal · four minutes</p>
    <h1>How to keep a rain book</h1>
    <p class="lead">Twelve months, one notebook, and the difference between a dry day and a day you forgot.</p>
  </header>
  <div class="prose">
    <p>Anyone can measure rain. You put out a glass, you wait, you read the line. The hard part is the book: an unbroken column of figures in which every day has its own row, including the days when you were ill, or away, or when the pencil was somewhere else.</p>
    <h2>Number the days first</h2>
    <p>Before the year begins, write the numbers one to three hundred and sixty-five down the margin. Do it in one sitting. Now a missing day shows itself: there is a number with nothing beside it, and you cannot pretend otherwise.</p>
    <p>A book that only lists the days on which something was written can never tell you what it lacks.</p>
    <figure class="essay-art">${ART['drizzle-rain-gauge']}<figcaption>Read at nine. Empty it after you have written the number down, not before.</figcaption></figure>
    <h2>Write before you empty</h2>
    <p>The order matters. If you tip the glass out and then look for the pencil, the rain is gone and the row is blank. Write the figure, look at it, then empty the glass. The worst that can happen is that you are interrupted in between and measure the same water twice; you will notice, because the day already has its number.</p>
    <h2>Say why a day is missing</h2>
    <p>Some days will be lost. The glass cracks in a frost. Somebody kicks it over. Do not leave the row empty: write <em>frost</em>, or <em>dog</em>. In December you will add up three figures instead of one: what fell, what you know you lost, and what you cannot account for. Only the last should worry you, and it should be nought.</p>
    <h2>Let it be wet</h2>
    <p>When the storm is on, stay in. The gauge does not need you. It will hold seventy millimetres on its own, and if the morning after is worse, it will hold until the morning after that. Go out when it is safe and read the line once.</p>
  </div>
  <p class="essay-end"><a class="button" href="/shop/drizzle-rain-gauge" data-cta="essay">See the rain gauge</a></p>
</article>`,
  });
}

/** @param {Visit} visit */
export function about(visit) {
  return layout(visit, {
    title: 'About · Small Weather',
    description: 'A shop that does not exist, on an island that is not on the chart.',
    here: '/about',
    main: html`
<article class="band essay">
  <header>
    <p class="crumb">About</p>
    <h1>A shop that does not exist</h1>
    <p class="lead">On an island that is not on the chart, at the end of a cable that breaks about once a winter.</p>
  </header>
  <div class="prose">
    <p>Small Weather is the demonstration site of Petrel. You may click everything. The pages are ordinary documents with an ordinary script tag; what you do in them becomes events, and the events go to a collector on this machine that keeps them in one database file.</p>
    <h2>Things to try</h2>
    <ul>
      <li>Open <a href="/live">what the collector received</a> beside this window.</li>
      <li>Put something in the basket, search for “rain”, read the journal to its end.</li>
      <li>Make the collector refuse connections, go on clicking, close this tab, and come back.</li>
      <li>Stop the whole demo in its terminal. The site has a service worker of its own and stays open; Petrel's is another one, and the two do not meet.</li>
    </ul>
    <h2>What it stores in your browser</h2>
    <p>The shop keeps your basket in <code>localStorage</code>. Petrel keeps waiting events in IndexedDB, and nothing in cookies or <code>localStorage</code>. The form fields are never read: an event says that somebody signed up, not who.</p>
  </div>
</article>`,
  });
}

/** @param {Visit} visit */
export function notFound(visit) {
  return layout(visit, {
    title: 'Not on the chart · Small Weather',
    description: 'There is no such page.',
    here: '',
    main: html`
<section class="band lost">
  <div class="plate round">${ART['petrel-weathervane']}</div>
  <h1>Not on the chart</h1>
  <p class="lead">There is no page at this address.</p>
  <p><a class="button" href="/">Back to the harbour</a></p>
</section>`,
  });
}

/**
 * The document of an app that imports Petrel as a module instead of by script tag.
 * @param {Visit} visit
 * @param {{ title: string, description: string, script: string, nav: unknown, main: unknown, foot: string, head?: unknown }} page
 */
function appLayout(visit, page) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f2ea" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0c1524" media="(prefers-color-scheme: dark)">
<title>${page.title}</title>
<meta name="description" content="${page.description}">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/shop.css">
<link rel="stylesheet" href="/app.css">
<script type="module" src="${page.script}" data-endpoint="${visit.collector}" data-key="${visit.key}" id="app-script"></script>
<script type="module" src="/badge.js"></script>
${page.head}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">${page.nav}<a class="basket-link" href="/">To the shop</a></header>
<main id="main" tabindex="-1">${page.main}</main>
<footer class="foot"><p class="small">${page.foot}</p><p class="small links"><a href="/live">What the collector received</a></p></footer>
<petrel-badge></petrel-badge>
</body>
</html>`.toString();
}

/**
 * The single-page app: one document for all of its addresses.
 * @param {Visit} visit
 */
export function app(visit) {
  return appLayout(visit, {
    title: 'Rain book',
    description: 'A single-page app that imports Petrel as a module.',
    script: '/app.js',
    nav: html`<a class="brand" href="/app" data-route>${MARK}<span>Rain book</span></a>
  <nav aria-label="Main"><a class="nav-link" href="/app" data-route>Today</a><a class="nav-link" href="/app/year" data-route>The year</a></nav>`,
    main: html`
  <section class="band essay" data-view="/app">
    <h1>What is in the glass?</h1>
    <form class="reading" data-reading>
      <label for="mm">Millimetres this morning</label>
      <div class="reading-row"><input id="mm" name="mm" type="number" min="0" max="70" step="0.1" inputmode="decimal" required><button class="button">Write it down</button></div>
      <p class="said" role="status" data-said></p>
    </form>
    <ol class="readings" data-readings aria-label="The last readings"></ol>
  </section>
  <section class="band essay" data-view="/app/year" hidden>
    <h1>The year so far</h1>
    <p class="lead" data-sum></p>
    <div class="bars" data-bars role="img" aria-label="Readings in order"></div>
    <p><button type="button" class="button quiet" data-clear>Begin a new book</button></p>
  </section>`,
    foot: 'One document, several addresses: page views are sent by the app when the address changes. The readings stay in this browser; an event says that one was made.',
  });
}

/**
 * The PWA: offline by its own worker, with Petrel's queue inside that worker.
 * @param {Visit} visit
 */
export function tides(visit) {
  return appLayout(visit, {
    title: 'Tide table',
    description: 'An offline app whose own worker runs the queue.',
    script: '/tides/app.js',
    head: html`<link rel="manifest" href="/tides/manifest.webmanifest">`,
    nav: html`<a class="brand" href="/tides">${MARK}<span>Tide table</span></a>`,
    main: html`
  <section class="band essay">
    <h1>Mind the water</h1>
    <div class="gauge" aria-hidden="true"><i data-level></i></div>
    <p class="lead" data-now></p>
    <ol class="readings" data-tides aria-label="The next tides"></ol>
    <p class="essay-end"><button type="button" class="button" data-walk>I walked down to the shore</button></p>
    <p class="said" role="status" data-said></p>
  </section>`,
    foot: 'This app opens without a network, by its own service worker, and that worker runs the queue as well.',
  });
}
