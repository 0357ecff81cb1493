// The floor's worker: one record per message, a batch of columns under gzip when there are 100 events or after 5 s, delete by range.

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('message', (event) => {
  event.waitUntil(take(event.data).then(() => event.ports[0].postMessage(0)));
  event.waitUntil(due());
});

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opened;
function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('floor', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('queue', { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

let endpoint;
let count = 0;

async function take({ endpoint: to, events }) {
  endpoint = to;
  const transaction = (await open()).transaction('queue', 'readwrite', { durability: 'relaxed' });
  transaction.objectStore('queue').add(events);
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  count += events.length;
  if (count >= 100) await send();
}

let timer;
function due() {
  timer ??= new Promise((resolve) =>
    setTimeout(() => {
      timer = undefined;
      resolve(send());
    }, 5_000),
  );
  return timer;
}

let sending = Promise.resolve();
function send() {
  sending = sending.then(sendOne);
  return sending;
}

async function sendOne() {
  if (count === 0) return;
  const database = await open();
  const store = database.transaction('queue').objectStore('queue');
  const [keys, records] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
  const events = records.flat();
  if (events.length === 0) return;
  const last = keys.at(-1);
  const columns = { seq: [], time: [], shape: [], shapes: [], values: [] };
  const shapes = new Map();
  let before = 0;
  for (const [seq, time, name, properties] of events) {
    const names = Object.keys(properties);
    const text = `${name} ${names}`;
    let shape = shapes.get(text);
    if (shape === undefined) {
      shape = columns.shapes.push([name, names]) - 1;
      shapes.set(text, shape);
      columns.values.push(names.map(() => []));
    }
    columns.seq.push(seq);
    columns.time.push(time - before);
    before = time;
    columns.shape.push(shape);
    for (const [i, key] of names.entries()) columns.values[shape][i].push(properties[key]);
  }
  const plain = new Blob([JSON.stringify(columns)]).stream();
  const body = await new Response(plain.pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
  const answer = await fetch(`${endpoint}?enc=gzip`, { method: 'POST', body });
  await answer.arrayBuffer();
  if (!answer.ok) return;
  count -= events.length;
  database.transaction('queue', 'readwrite').objectStore('queue').delete(IDBKeyRange.upperBound(last));
}
