// How little a queue in a worker can cost: an array, and one message every 100 ms. It checks nothing, retries nothing and loses
// what a page holds when it is left. Not an SDK; a limit.

let endpoint;
let opening;
let worker;
let waiting = [];
let waits = false;
let seq = 0;
let stored;

async function open() {
  const registration = await navigator.serviceWorker.register('/floor-sw.js', { scope: '/floor/' });
  while (!registration.active) await new Promise((done) => setTimeout(done, 10));
  worker = registration.active;
  post();
}

function post() {
  waits = false;
  if (!worker || waiting.length === 0) return;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    stored?.();
  };
  worker.postMessage({ endpoint, events: waiting }, [port2]);
  waiting = [];
}

function track(name, properties) {
  waiting.push([++seq, Date.now(), name, properties]);
  if (waits) return;
  waits = true;
  setTimeout(post, 100);
}

globalThis.sdk = {
  start({ collector }) {
    endpoint = `${collector}/floor`;
    opening = open();
  },
  ready: () => opening,
  track,
  page: () => track('page', {}),
  onStored: (listener) => {
    stored = listener;
  },
};
