// The shop's own service worker, such as any offline-capable site has one: pages and files from the network, else from the last
// visit. It knows nothing of Petrel, and Petrel's worker (petrel-sw.js, in its own narrow scope) knows nothing of it.
const CACHE = 'small-weather-1';
const PAGES = ['/', '/shop', '/basket', '/journal', '/about'];
const FILES = ['/shop.css', '/shop.js', '/badge.js', '/icon.svg', '/petrel.js'];

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll([...PAGES, ...FILES]);
      // Every product that the list links to.
      const list = await (await cache.match('/shop')).text();
      await cache.addAll([...new Set(list.match(/\/shop\/[a-z-]+/g))]);
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || url.pathname.startsWith('/live')) return;
  event.respondWith(fromNetworkElseCache(request, url));
});

async function fromNetworkElseCache(request, url) {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request);
    if (fresh.ok && !url.search) cache.put(request, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
