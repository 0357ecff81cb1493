/** The ready-made worker, `petrel-sw.js`: one classic script, registered at a scope without pages. */
import { startWorker } from './index.js';

startWorker(self as unknown as ServiceWorkerGlobalScope, {}, true);
