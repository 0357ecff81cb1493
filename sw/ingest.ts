import { isPetrelMessage } from '../src/web/check-message.js';
import type { HostEngine } from '../src/web/engine.js';
import { isVisible } from './clients.js';
import type { Lifetime } from './lifetime.js';

/**
 * Hands Petrel's messages to the engine. The port that came with a message takes its answers; other scripts' messages,
 * and the site's own listeners, are left alone.
 */
export function listen(scope: ServiceWorkerGlobalScope, engine: HostEngine, lifetime: Lifetime): void {
  scope.addEventListener('message', (event) => {
    const { data, origin, ports, source } = event;
    if (origin !== scope.location.origin || !isPetrelMessage(data)) return;
    const handled = engine.receive(
      data,
      (answer) => ports[0]?.postMessage(answer),
      () => isVisible(scope, source, data.visible === true),
      (source as Client | null)?.id,
    );
    event.waitUntil(lifetime.until(handled));
  });
}
