import { expect, settled, test, track, trackAndStore } from './support/test.js';

const ROOT_WORKER = `
  let fetches = 0, messages = 0;
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  addEventListener('fetch', (event) => { fetches++; });
  addEventListener('message', (event) => {
    if (event.data === 'count') event.ports[0].postMessage({ fetches, messages });
    else messages++;
  });`;

test('the site’s own worker at the root is neither replaced nor spoken to', async ({ visitor, site, collector }) => {
  site.answer('/root-sw.js', { body: ROOT_WORKER, headers: { 'content-type': 'text/javascript' } });
  const plain = await visitor.open(site.url('/elsewhere'));
  await plain.evaluate(async () => {
    await navigator.serviceWorker.register('/root-sw.js');
    await new Promise<void>((done) => {
      if (navigator.serviceWorker.controller) done();
      else navigator.serviceWorker.oncontrollerchange = () => done();
    });
  });

  const tab = await visitor.open(site.url('/app'));
  const names = await track(tab, 20);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });
  await settled(tab);

  const seen = await tab.evaluate(async () => {
    const root = (await navigator.serviceWorker.getRegistration('/app'))!;
    const { port1, port2 } = new MessageChannel();
    root.active!.postMessage('count', [port2]);
    const count = await new Promise<{ messages: number }>((done) => {
      port1.onmessage = ({ data }) => done(data);
    });
    return {
      controller: new URL(navigator.serviceWorker.controller!.scriptURL).pathname,
      waiting: root.waiting !== null,
      messages: count.messages,
      scopes: (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => new URL(scope).pathname).sort(),
    };
  });
  expect(seen).toEqual({ controller: '/root-sw.js', waiting: false, messages: 0, scopes: ['/', '/petrel-sw/'] });
});

test('a worker that the site registers at its root later on takes nothing over, and costs no event', async ({
  visitor,
  site,
  collector,
}) => {
  site.answer('/root-sw.js', { body: ROOT_WORKER, headers: { 'content-type': 'text/javascript' } });
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);

  await tab.evaluate(async () => {
    await navigator.serviceWorker.register('/root-sw.js');
    await new Promise<void>((done) => {
      if (navigator.serviceWorker.controller) done();
      else navigator.serviceWorker.oncontrollerchange = () => done();
    });
  });
  names.push(...(await track(tab, 5)));
  await tab.goto(site.url('/app?again'));
  names.push(...(await trackAndStore(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  const scopes = await tab.evaluate(async () =>
    (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => new URL(scope).pathname).sort(),
  );
  expect(scopes).toEqual(['/', '/petrel-sw/']);
});
