import { createTracker } from './index.js';

let tracker;
globalThis.sdk = {
  start({ collector }) {
    tracker = createTracker({ endpoint: `${collector}/petrel` });
  },
  /** The first answer means that the worker is there and has the configuration. */
  async ready() {
    for (let state = await tracker.stats(); ; state = await tracker.stats()) {
      if (state.page.unacknowledged === 0 && 'waiting' in state) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  },
  track: (name, properties, priority) => tracker.track(name, properties, priority && { priority }),
  page: () => tracker.page(),
  onStored(listener) {
    const off = tracker.on('stored', () => {
      off();
      listener();
    });
  },
};
