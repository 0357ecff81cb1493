import type { EngineHost } from './host.js';

/** The service worker as host. */
export function createWorkerHost(registration: ServiceWorkerRegistration): EngineHost {
  return {
    post(message, reply) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = (event) => reply(event.data);
      // Read anew each time: an update puts another worker here.
      registration.active?.postMessage(message, [port2]);
    },
  };
}
