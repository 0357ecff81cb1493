// Runs in the page under measurement. What it does beside calling the SDK it also does in the empty page, whose cost is subtracted.

/** Twelve kinds of events with eight properties each, as a shop would send them. */
const KINDS = [
  ['Product Viewed', 'product', 'price', 'currency', 'category', 'position', 'inStock', 'variant'],
  ['Product Added', 'product', 'price', 'currency', 'quantity', 'list', 'inStock', 'coupon'],
  ['Product Removed', 'product', 'price', 'currency', 'quantity', 'list', 'variant', 'reason'],
  ['List Viewed', 'list', 'category', 'count', 'sort', 'filter', 'position', 'query'],
  ['Search Submitted', 'query', 'count', 'sort', 'filter', 'category', 'duration', 'variant'],
  ['Filter Applied', 'filter', 'sort', 'count', 'category', 'list', 'duration', 'active'],
  ['Checkout Started', 'value', 'currency', 'quantity', 'coupon', 'shipping', 'step', 'active'],
  ['Checkout Step', 'step', 'value', 'currency', 'shipping', 'payment', 'duration', 'variant'],
  ['Video Played', 'video', 'position', 'duration', 'quality', 'active', 'list', 'variant'],
  ['Form Submitted', 'form', 'step', 'count', 'duration', 'active', 'reason', 'variant'],
  ['Banner Clicked', 'banner', 'position', 'variant', 'category', 'list', 'duration', 'active'],
  ['Review Read', 'product', 'rating', 'count', 'position', 'sort', 'duration', 'query'],
];

const pick =
  (...values) =>
  (random) =>
    values[Math.floor(random() * values.length)];
const whole = (most) => (random) => Math.floor(random() * most);
const coded = (prefix, most) => (random) => `${prefix}-${Math.floor(random() * most)}`;

const VALUES = {
  product: coded('sku', 5_000),
  price: (random) => Math.round(random() * 20_000) / 100,
  value: (random) => Math.round(random() * 50_000) / 100,
  currency: pick('EUR', 'USD', 'GBP', 'SEK'),
  category: pick('shoes/running', 'shoes/trail', 'jackets/rain', 'bags', 'accessories/hats'),
  position: whole(48),
  inStock: (random) => random() < 0.9,
  variant: pick('control', 'blue', 'large-image', 'compact'),
  quantity: (random) => 1 + Math.floor(random() * 4),
  list: pick('home', 'recommended', 'recently viewed', 'sale', 'search results'),
  coupon: pick(null, null, null, 'SUMMER10', 'WELCOME'),
  reason: pick('too expensive', 'changed mind', 'wrong size', 'other'),
  count: whole(400),
  sort: pick('price', '-price', 'rating', 'newest'),
  filter: pick('color:blue', 'size:42', 'brand:acme', 'price:0-100'),
  query: pick('red shoes', 'rain jacket', 'backpack 20l', 'hat', 'trail running shoes size 42'),
  duration: whole(60_000),
  active: (random) => random() < 0.5,
  shipping: pick('standard', 'express', 'pickup'),
  step: whole(5),
  payment: pick('card', 'invoice', 'wallet'),
  video: coded('video', 200),
  quality: pick('480p', '720p', '1080p'),
  form: pick('newsletter', 'contact', 'size advice'),
  banner: coded('banner', 40),
  rating: (random) => 1 + Math.floor(random() * 5),
};

/** The same numbers for every SDK (mulberry32). */
function createRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Event number `i` as [name, properties]. `ref` is what the collector knows it by. */
function eventAt(i) {
  const random = createRandom(i + 1);
  const [name, ...keys] = KINDS[Math.floor(random() * KINDS.length)];
  const properties = { ref: `r-${1_000_000 + i}` };
  for (const key of keys) properties[key] = VALUES[key](random);
  return [name, globalThis.sdk.prepare?.(properties) ?? properties];
}

/** Made before the clock starts: in a real page these objects are the application's. */
const eventsFrom = (first, count) => Array.from({ length: count }, (_, i) => eventAt(first + i));

globalThis.bench = {
  /** Loads an SDK's script, as a site would, and starts it with a first page view. */
  async load(id, options) {
    const script = document.createElement('script');
    script.type = 'module';
    script.src = `/sdk/${id}/main.js`;
    const loaded = new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${script.src} did not load`));
    });
    document.head.append(script);
    await loaded;
    await globalThis.sdk.start(options);
    globalThis.sdk.page();
  },

  /** Resolves when the SDK does what it will be doing from now on. */
  ready: async () => void (await globalThis.sdk.ready?.()),

  /** Makes the events of the next stream, so that its clock starts later. */
  prepare({ first = 0, count }) {
    this.events = eventsFrom(first, count);
    this.times = new Float64Array(count);
  },

  /** Tracks what is prepared: `size` calls in one task every `everyMs`, each call timed. */
  stream({ size, everyMs }) {
    const { events, times } = this;
    const count = events.length;
    return new Promise((resolve) => {
      let i = 0;
      const interval = setInterval(() => {
        for (const end = Math.min(i + size, count); i < end; i++) {
          const [name, properties] = events[i];
          const start = performance.now();
          globalThis.sdk.track(name, properties);
          times[i] = performance.now() - start;
        }
        if (i < count) return;
        clearInterval(interval);
        resolve();
      }, everyMs);
    });
  },

  /** How long each call of the last stream took, in µs. */
  callTimes() {
    return Array.from(this.times, (ms) => Math.round(ms * 1e4) / 10);
  },

  /** What {@link clicked} found: per click the time in the handler, and from its start until the next task, in ms. */
  clicks: [],

  /** From now on a click tracks `count` events. */
  onClick({ first = 0, count }) {
    let next = first;
    const channel = new MessageChannel();
    let start;
    let handlerMs;
    channel.port1.onmessage = () => this.clicks.push([handlerMs, performance.now() - start]);
    let events = eventsFrom(next, count);
    document.querySelector('#buy').addEventListener('click', () => {
      start = performance.now();
      channel.port2.postMessage(0);
      for (const [name, properties] of events) globalThis.sdk.track(name, properties);
      handlerMs = performance.now() - start;
      next += count;
      setTimeout(() => {
        events = eventsFrom(next, count);
      }, 100);
    });
  },

  /** One event at a time, after random pauses. Resolves with the times from the call until it is durable, in ms. */
  async durable({ first = 0, count, priority }) {
    const random = createRandom(first + 7);
    const times = [];
    for (const [name, properties] of eventsFrom(first, count)) {
      await new Promise((done) => setTimeout(done, 20 + random() * 380));
      times.push(await this.untilStored(() => globalThis.sdk.track(name, properties, priority)));
    }
    return times;
  },

  untilStored(track) {
    return new Promise((resolve) => {
      const start = performance.now();
      globalThis.sdk.onStored(() => resolve(performance.now() - start));
      track();
    });
  },

  /** From now on a click tracks one event; the times until it is durable are in `clicks`. */
  onClickDurable({ first = 0 }) {
    let next = first;
    document.querySelector('#buy').addEventListener('click', async () => {
      const [name, properties] = eventAt(next++);
      this.clicks.push(await this.untilStored(() => globalThis.sdk.track(name, properties)));
    });
  },
};
