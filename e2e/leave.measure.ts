import { arrived, test } from './support/test.js';

/** Visitors with a fresh profile, and how often each leaves the page. */
const VISITORS = 10;
const LEAVES = 3;

/** Rows in a message: as many as a page seldom has. */
const ROWS = 1_000;

/** No Petrel in it: a page that gives its worker a message in the task that leaves it, and one in `pagehide`. */
const PAGE = `<!doctype html><title>leave</title><script>
  const active = navigator.serviceWorker.register('/leave-sw.js', { scope: '/leave-sw/' }).then(async (registration) => {
    const worker = registration.installing ?? registration.waiting;
    while (!registration.active) await new Promise((done) => worker.addEventListener('statechange', done, { once: true }));
    return (globalThis.worker = registration.active);
  });
  const rows = Array.from({ length: ${ROWS} }, (_, i) => [0, i, Date.now(), 'name ' + i, { n: 1, colour: 'red' }]);
  globalThis.ask = async (message) => {
    await active;
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((done) => { port1.onmessage = ({ data }) => done(data); });
    worker.postMessage(message, [port2]);
    return answer;
  };
  globalThis.leave = (leave, url) => {
    const post = (at) => worker.postMessage({ at: leave + ' ' + at, rows }, [new MessageChannel().port2]);
    addEventListener('pagehide', () => post('pagehide'), { once: true });
    post('task');
    location.href = url;
  };
</script>`;

/** It stores each message, and tells which it has. */
const WORKER = `
  addEventListener('install', () => skipWaiting());
  const opening = new Promise((done) => {
    const request = indexedDB.open('leave');
    request.onupgradeneeded = () => request.result.createObjectStore('messages', { autoIncrement: true });
    request.onsuccess = () => done(request.result);
  });
  addEventListener('message', (event) => event.waitUntil((async () => {
    const messages = (await opening).transaction('messages', 'readwrite', { durability: 'relaxed' }).objectStore('messages');
    const request = event.data === 'list' ? messages.getAll() : messages.add(event.data);
    await new Promise((done) => { messages.transaction.oncomplete = done; });
    event.ports[0].postMessage(event.data === 'list' ? request.result.map(({ at }) => at) : 'stored');
  })()));`;

interface Page {
  ask(message: unknown): Promise<string[]>;
  leave(leave: number, url: string): void;
}

for (const [where, host] of [
  ['another site', '127.0.0.1'],
  ['the same site', 'localhost'],
] as const) {
  test.describe(`what a worker misses of what a page posts when it is left for ${where}`, () => {
    const missed: string[] = [];
    for (let visitors = 1; visitors <= VISITORS; visitors++) {
      test(`visitor ${visitors}`, async ({ visitor, site }) => {
        site.answer('/leave', { body: PAGE });
        site.answer('/leave-sw.js', { body: WORKER });
        const elsewhere = site.url('/elsewhere', host);
        const tab = await visitor.open(site.url('/leave'));
        await tab.evaluate(() => (globalThis as unknown as Page).ask({ at: 'before' }));
        for (let leave = 1; leave <= LEAVES; leave++) {
          await tab.evaluate(({ leave, url }) => (globalThis as unknown as Page).leave(leave, url), {
            leave,
            url: elsewhere,
          });
          await arrived(tab, elsewhere);
          await tab.goto(site.url('/leave'));
          await new Promise((done) => setTimeout(done, 1_500));
          const stored = await tab.evaluate(() => (globalThis as unknown as Page).ask('list'));
          for (const at of ['task', 'pagehide']) {
            if (!stored.includes(`${leave} ${at}`)) missed.push(`leave ${leave}, posted in ${at}`);
          }
        }
        if (visitors === VISITORS) {
          console.log(`${visitor.engine}, left ${VISITORS * LEAVES} times for ${where}: ${missed.length} missed`);
          for (const one of new Set(missed)) {
            console.log(`  ${one}: ${missed.filter((other) => other === one).length} of ${VISITORS}`);
          }
        }
      });
    }
  });
}
