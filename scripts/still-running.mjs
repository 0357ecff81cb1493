// Reporter for vitest: names the test files that take long. A test that never yields cannot be timed out, and keeps quiet.

const PATIENCE_MS = 60_000;

export default class StillRunning {
  /** @type {Set<string>} */
  #running = new Set();

  constructor() {
    const tell = () => {
      if (this.#running.size > 0) console.error(`still running: ${[...this.#running].join(', ')}`);
    };
    setInterval(tell, PATIENCE_MS).unref();
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleQueued(module) {
    this.#running.add(module.relativeModuleId);
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleEnd(module) {
    this.#running.delete(module.relativeModuleId);
  }
}
