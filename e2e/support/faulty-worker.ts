import type { Site } from './site.js';
import type { Tab } from './visitor.js';

/** What can be made to go wrong in a worker from outside; it is forgotten when the worker is stopped. */
export interface WorkerFault {
  /** Its wall clock is this far off, in milliseconds. */
  clockMs?: number;
  /** A request's answer arrives at the browser, and nothing of the worker's code goes on behind it. */
  stopAfterAnswer?: boolean;
  /** Acknowledgements are not posted. */
  mute?: boolean;
}

/** Runs in the worker before Petrel does, so it must not use anything outside of itself. */
function install(): void {
  const on: WorkerFault = {};
  addEventListener('message', ({ data, ports }: MessageEvent) => {
    if (!data?.fault) return;
    Object.assign(on, data.fault);
    ports[0]?.postMessage('done');
  });

  const now = Date.now.bind(Date);
  Date.now = () => now() + (on.clockMs ?? 0);

  const ask = fetch.bind(globalThis);
  globalThis.fetch = async (...request) => {
    const answer = await ask(...request);
    if (on.stopAfterAnswer) {
      await answer.clone().arrayBuffer();
      await new Promise(() => {});
    }
    return answer;
  };

  const post = MessagePort.prototype.postMessage as (message: { type?: string }) => void;
  MessagePort.prototype.postMessage = function (this: MessagePort, message: { type?: string }) {
    if (!(on.mute && message?.type === 'stored')) post.call(this, message);
  } as typeof MessagePort.prototype.postMessage;
}

/** Serves the worker with a hook that {@link breakWorker} pulls. */
export function serveFaultyWorker(site: Site): void {
  site.answer('/petrel-sw.js', { change: (script) => `(${install})();\n${script}` });
}

/** Lets something go wrong in the worker from now on. */
export async function breakWorker(tab: Tab, fault: WorkerFault): Promise<void> {
  await tab.evaluate(async (fault) => {
    const [registration] = await navigator.serviceWorker.getRegistrations();
    const { port1, port2 } = new MessageChannel();
    const done = new Promise((resolve) => {
      port1.onmessage = resolve;
    });
    registration!.active!.postMessage({ fault }, [port2]);
    await done;
  }, fault);
}
