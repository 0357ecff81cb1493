import type { Json, Origin, QueuedEvent } from '../../src/core/event.js';

/** Random numbers from a seed, so that sizes and failures repeat (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const sampleOrigin: Origin = {
  source: 'Zk3xQ9d2T0u8Yb1LmN4cVw',
  anonymousId: 'b7Qx0m3KpWv5Tz8RyL2nHg',
  sessionId: 's1795449600123',
  context: {
    url: 'https://shop.example.com/c/shoes?utm_source=newsletter',
    referrer: 'https://www.google.com/',
    title: 'Shoes – Example Shop',
    language: 'en-GB',
    screen: '1440x900',
    campaign: { source: 'newsletter' },
  },
};

/** What a visitor of a shop does: six kinds of events with eight varied properties each, 20 a second, as they wait in the queue. */
export function sampleEvents(count: number, seed = 1, origin: Origin = sampleOrigin): QueuedEvent[] {
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const int = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  const paths = [
    '/',
    '/cart',
    '/checkout',
    '/p/trail-runner-3',
    '/p/rain-jacket',
    '/c/shoes',
    '/c/books?page=2',
    '/search',
  ];
  const departments = ['shoes', 'jackets', 'books', 'garden', 'kitchen', 'audio', 'toys', 'bikes'];
  const products = Array.from({ length: 200 }, () => ({
    id: `SKU-${int(10_000, 99_999)}`,
    department: pick(departments),
    price: int(299, 19_999) / 100,
  }));
  const kinds: [name: string, properties: () => { [key: string]: Json }][] = [
    [
      'product_viewed',
      () => {
        const product = pick(products);
        return {
          productId: product.id,
          category: product.department,
          price: product.price,
          currency: 'EUR',
          inStock: random() < 0.9,
          position: int(1, 40),
          list: pick(['search', 'category', 'recommended', 'home', 'wishlist']),
          variant: pick(['S', 'M', 'L', 'XL']),
        };
      },
    ],
    [
      'button_clicked',
      () => ({
        id: pick(['buy-now', 'add-to-cart', 'newsletter', 'menu', 'filter-price', 'share']),
        text: pick(['Buy now', 'Add to cart', 'Subscribe', 'Menu', 'Price', 'Share']),
        path: pick(paths),
        x: int(0, 1440),
        y: int(0, 4000),
        section: pick(['header', 'main', 'footer', 'aside']),
        duration: int(20, 900),
        trusted: true,
      }),
    ],
    [
      'search_performed',
      () => ({
        query: pick([
          'running shoes',
          'rain',
          'tent 2 person',
          'usb c',
          'lego',
          'mountain bike',
          'headphones',
          'novel',
        ]),
        results: int(0, 480),
        page: int(1, 4),
        sort: pick(['relevance', 'price', 'newest']),
        filters: int(0, 5),
        latencyMs: int(35, 420),
        suggested: random() < 0.3,
        path: '/search',
      }),
    ],
    [
      'scroll_depth',
      () => ({
        path: pick(paths),
        depth: pick([25, 50, 75, 100]),
        height: int(1800, 9000),
        viewport: pick([720, 800, 900, 1080]),
        dwellMs: int(1000, 60_000),
        direction: pick(['down', 'up']),
        maxDepth: pick([25, 50, 75, 100]),
        visible: true,
      }),
    ],
    [
      'cart_updated',
      () => {
        const product = pick(products);
        return {
          productId: product.id,
          quantity: int(1, 4),
          price: product.price,
          currency: 'EUR',
          total: int(1000, 40_000) / 100,
          items: int(1, 9),
          coupon: random() < 0.1 ? 'AUTUMN10' : null,
          action: pick(['add', 'remove']),
        };
      },
    ],
    [
      'video_progress',
      () => ({
        videoId: `v${int(100, 140)}`,
        percent: pick([10, 25, 50, 75, 90]),
        position: int(0, 60_000) / 100,
        duration: int(120, 900),
        muted: random() < 0.5,
        quality: pick(['720p', '1080p', 'auto']),
        autoplay: random() < 0.5,
        player: 'native',
      }),
    ],
  ];
  let timestamp = 1_795_449_600_000 + int(0, 1_000_000);
  return Array.from({ length: count }, (_, i) => {
    timestamp += int(20, 80);
    const [name, properties] = pick(kinds);
    return { origin, seq: 41 + i, timestamp, name, properties: JSON.stringify(properties()) };
  });
}
