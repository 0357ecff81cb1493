/**
 * The ready-made worker, `petrel-sw.js`: one classic script, registered at a scope without pages; or imported by a classic worker of
 * the site's own: `importScripts('/petrel-sw.js')`.
 */

import { isOwn } from './own.js';
import { startWorker } from './start.js';

const scope = self as unknown as ServiceWorkerGlobalScope;

startWorker(scope, {}, isOwn(scope));
