import { createTracker } from 'petrel';

/** The app's own worker, with Workbox's precache and Petrel's queue. Offline it is the one that is installed. */
const registration = await navigator.serviceWorker?.register('/sw.js').catch(() => undefined);

const petrel = createTracker({
  endpoint: '/events',
  key: 'example',
  serviceWorker: registration ? { registration } : false,
});

petrel.page();
document
  .querySelector('#walk')
  .addEventListener('click', () => petrel.track('Walk Noted', { online: navigator.onLine }));
