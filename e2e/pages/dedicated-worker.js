import { createTracker } from '/petrel/worker.js';

const tracker = createTracker(__OPTIONS__);
const verbs = {
  trackAll(names) {
    for (const name of names) tracker.track(name, { in: 'a worker' });
  },
  online: () => void dispatchEvent(new Event('online')),
};

addEventListener('message', async ({ data: [number, verb, ...args] }) => {
  const answer = await (verbs[verb] ?? tracker[verb])(...args);
  postMessage([number, answer && JSON.parse(JSON.stringify(answer))]);
});
