// The stories, in the order in which they are told. Each ends with a next visit (tell.mjs), which takes along whatever is left.

/** @typedef {import('./tell.mjs').Story} Story */
/** @typedef {import('./scene.mjs').Scene} Scene */

/** @type {Story[]} */
export const STORIES = [
  {
    name: 'healthy',
    title: 'all is well, and nothing goes over the wire twice',
    run: async ({ open, trackAndStore, pause, door, promise }) => {
      const tab = await open();
      for (let i = 0; i < 3; i++) {
        await trackAndStore(tab, 30, { price: 9.5, colour: 'red' });
        await pause(300);
      }
      const names = door.requests.flatMap((request) => request.names);
      promise(new Set(names).size === names.length, 'no event is sent twice to a healthy endpoint');
    },
  },
  {
    name: 'refused',
    title: 'the endpoint refuses connections for 5 s while the visitor goes on',
    run: async (scene) => {
      const { open, trackAndStore, door } = scene;
      const tab = await open();
      await trackAndStore(tab, 5);
      await door.down();
      await keepBusy(scene, tab, 5_000);
    },
  },
  {
    name: 'status-503',
    title: 'five seconds of 503',
    run: async (scene) => {
      const tab = await scene.open();
      scene.door.misbehave({ kind: 'status', status: 503 });
      await keepBusy(scene, tab, 5_000);
    },
  },
  {
    name: 'random-500',
    title: 'three in ten requests end with 500, half of them after storing',
    run: async ({ open, track, door, configure, arrived, promise }) => {
      configure({ maxBatchSize: 5 });
      const tab = await open();
      door.misbehave({ kind: 'status', status: 500 }, { probability: 0.15, seed: 11 });
      door.misbehave({ kind: 'status', status: 500, stored: true }, { probability: 0.18, seed: 12 });
      await track(tab, 100);
      promise(await arrived(40_000), 'all arrives while the failures go on');
    },
  },
  {
    name: 'retry-after',
    title: 'a 429 that asks for 3 s is left alone for 3 s',
    run: async ({ open, track, trackAndStore, door, promise, pause }) => {
      door.misbehave({ kind: 'status', status: 429, retryAfter: 3 }, { times: 1 });
      const tab = await open();
      const limited = door.end(({ status }) => status === 429);
      await track(tab, 5);
      const { endedAt = 0 } = await limited;
      for (let i = 0; i < 4; i++) await trackAndStore(tab, 10);
      await pause(3_500);
      const next = door.requests.find(({ at }) => at > endedAt);
      promise(next === undefined || next.at - endedAt >= 3_000, 'no request before Retry-After ends');
    },
  },
  {
    name: 'reset',
    title: 'the connection is reset after the endpoint has stored the body, twice',
    run: (scene) => lostAnswers(scene, { kind: 'reset', stored: true }),
  },
  {
    name: 'truncated',
    title: 'the answer is cut in half, twice',
    run: (scene) => lostAnswers(scene, { kind: 'truncate' }),
  },
  {
    name: 'gateway-504',
    title: 'a gateway without CORS answers 504 for a body that was stored, twice',
    run: (scene) => lostAnswers(scene, { kind: 'status', status: 504, stored: true, cors: false }),
  },
  {
    name: 'silence',
    title: 'the endpoint takes the body and never answers',
    run: async ({ open, track, door }) => {
      door.misbehave({ kind: 'silence', stored: true }, { times: 1 });
      const tab = await open();
      const arrived = door.arrival();
      await track(tab, 20);
      const { batchId } = await arrived;
      // The tracker's own patience with a request is 15 s.
      await door.arrival((request) => request.batchId === batchId, 40_000);
    },
  },
  {
    name: 'slow',
    title: 'answers take 3 s: one request at a time, and none twice',
    run: async ({ open, track, door, arrived, promise }) => {
      door.misbehave({ kind: 'delay', ms: 3_000 });
      const tab = await open();
      const first = door.arrival();
      await track(tab, 10);
      await first;
      await track(tab, 10);
      promise(await arrived(20_000), 'all arrives, slowly');
      promise(door.mostAtOnce === 1, 'one request at a time');
      promise(door.requests.length === 2, 'nothing is sent twice because the answer takes its time');
    },
  },
  {
    name: 'leave',
    title: 'a page is left in the same task as its last event, five times',
    run: async ({ open, names, site, pause }) => {
      for (let i = 0; i < 5; i++) {
        const tab = await open();
        await tab.call('leave', names(4), {}, site.url('/elsewhere'));
        await pause(500);
        await tab.close();
      }
    },
  },
  {
    name: 'close',
    title: 'a tab is closed right after its last event, five times',
    run: async ({ open, track }) => {
      for (let i = 0; i < 5; i++) {
        const tab = await open();
        await track(tab, 4);
        await tab.close();
      }
    },
  },
  {
    name: 'leave-in-outage',
    title: 'a page is left while the endpoint is down: the next visit delivers',
    run: async ({ open, trackAndStore, names, door, site, pause }) => {
      const tab = await open();
      await trackAndStore(tab, 5);
      await door.down();
      await tab.call('leave', names(10), {}, site.url('/elsewhere'));
      await pause(1_000);
    },
  },
  {
    name: 'large-exit',
    title: 'a page is left with 400 KB that nobody has acknowledged: more than a keepalive request may carry',
    run: async ({ open, trackAndStore, names, site, pause }) => {
      const tab = await open();
      await trackAndStore(tab, 1);
      await tab.call('leave', names(100), { text: 'x'.repeat(4_000) }, site.url('/elsewhere'));
      await pause(1_000);
    },
  },
  {
    name: 'hidden',
    title: 'a tab is hidden and shown again five times',
    run: async ({ open, track, trackAndStore, promise, pause }) => {
      const tab = await open();
      await trackAndStore(tab, 1);
      const other = await open('/elsewhere');
      let hidden = 0;
      for (let i = 0; i < 5; i++) {
        await tab.show();
        await track(tab, 5);
        await other.show();
        await pause(200);
        if ((await tab.call('visibility')) === 'hidden') hidden++;
        await track(tab, 2);
      }
      promise(hidden === 5, 'this browser hides a tab that is behind another');
    },
  },
  {
    name: 'tabs',
    title: 'six tabs, one queue, one request at a time',
    run: async ({ open, track, door, configure, arrived, promise }) => {
      configure({ maxBatchSize: 10 });
      door.misbehave({ kind: 'delay', ms: 50 });
      const tabs = [];
      for (let i = 0; i < 6; i++) tabs.push(await open());
      for (let i = 0; i < 3; i++) await Promise.all(tabs.map((tab) => track(tab, 5)));
      promise(await arrived(20_000), 'all arrives without another visit');
      promise(door.mostAtOnce === 1, 'one request at a time');
    },
  },
  {
    name: 'worker-killed',
    title: 'the worker is killed every half second for 8 s',
    run: async ({ open, track, visitor, pause }) => {
      const tab = await open();
      for (let i = 0; i < 16; i++) {
        await track(tab, 5);
        await pause(500);
        await visitor.stopWorkers();
      }
    },
  },
  {
    name: 'worker-killed-mid-request',
    title: 'the worker is killed after the endpoint has stored a batch, before it knows',
    run: async ({ open, track, visitor, door, pause }) => {
      const tab = await open();
      const late = door.misbehave({ kind: 'delay', ms: 1_500, stored: true });
      const arrived = door.arrival();
      await track(tab, 10);
      await arrived;
      await pause(500);
      await visitor.stopWorkers();
      late.end();
      await track(tab, 5);
    },
  },
  {
    name: 'browser-killed',
    title: 'the browser is killed during an outage, 100 ms after the queue acknowledged, three times',
    run: async ({ open, trackAndStore, visitor, door, pause }) => {
      await door.down();
      for (let i = 0; i < 3; i++) {
        const tab = await open();
        await trackAndStore(tab, 20);
        await pause(100);
        await visitor.crash();
        await visitor.comeBack();
      }
    },
  },
  {
    name: 'body-limit',
    title: 'a gateway takes no body over 4 KB: batches shrink until they pass',
    run: async ({ open, track, door, arrived, promise }) => {
      const tab = await open();
      door.misbehave({ kind: 'limit', bytes: 4_096 });
      for (let i = 0; i < 60; i++) await track(tab, 1, { text: noise(400) });
      promise(await arrived(30_000), 'batches become small enough within half a minute');
    },
  },
  {
    name: 'no-worker',
    title: 'a site without a worker file: the page queues by itself, through an outage and a reload',
    run: async ({ open, trackAndStore, door, site, pause }) => {
      site.remove('/petrel-sw.js', true);
      const tab = await open();
      await trackAndStore(tab, 10);
      await door.down();
      await trackAndStore(tab, 10);
      await tab.goto(site.url('/app?again'));
      await trackAndStore(tab, 10);
      await pause(500);
    },
  },
  {
    name: 'burst',
    title: 'a burst of 1 000 events, and the page is left',
    run: async ({ open, trackAndStore, names, site, pause }) => {
      const tab = await open();
      await trackAndStore(tab, 1);
      await tab.call('leave', names(1_000), { n: 1 }, site.url('/elsewhere'));
      await pause(2_000);
    },
  },
];

/**
 * @param {Scene} scene
 * @param {import('./browser.mjs').Tab} tab
 * @param {number} ms
 */
async function keepBusy({ trackAndStore, pause }, tab, ms) {
  for (const until = Date.now() + ms; Date.now() < until; ) {
    await trackAndStore(tab, 5);
    await pause(400);
  }
}

/**
 * @param {Scene} scene
 * @param {Parameters<import('./endpoint.mjs').Door['misbehave']>[0]} fault
 */
async function lostAnswers({ open, track, door, pause, promise }, fault) {
  const lost = door.misbehave(fault, { times: 2 });
  const tab = await open();
  await track(tab, 20);
  for (const until = Date.now() + 15_000; lost.hits < 2 && Date.now() < until; ) await pause(50);
  promise(lost.hits === 2, 'two answers were lost');
}

/** Text that gzip cannot shorten by much. @param {number} length */
function noise(length) {
  return Array.from({ length }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('');
}
