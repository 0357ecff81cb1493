// The PWA's own worker: its offline cache, and Petrel's queue inside it. With a bundler: `import { startPetrel } from 'petrel/sw'`.
import { startPetrel } from '/petrel/sw.js';

startPetrel();

const CACHE = 'small-weather-tides-1';
const FILES = [
  '/tides',
  '/tides/app.js',
  '/tides/manifest.webmanifest',
  '/shop.css',
  '/app.css',
  '/badge.js',
  '/icon.svg',
  '/petrel/index.js',
  '/petrel/register.js',
];

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

// The cache first: what a PWA does that must open on a boat. The files are fetched anew in the background.
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || !FILES.includes(url.pathname) || url.origin !== location.origin) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(CACHE);
      const kept = await cache.match(url.pathname);
      const fresh = fetch(event.request).then((answer) => {
        if (answer.ok) cache.put(url.pathname, answer.clone());
        return answer;
      });
      if (!kept) return fresh;
      event.waitUntil(fresh.catch(() => {})); // offline: the kept one is what there is
      return kept;
    })(),
  );
});
