/**
 * `petrel/vite`: a Vite plugin that serves the ready-made worker in development and puts it into the build, so that nobody has to
 * copy it and it is always of the release that is installed.
 * @packageDocumentation
 */
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { PetrelPluginOptions } from './plugin.js';
import { createVitePlugin } from './plugin.js';

export type { PetrelPluginOptions } from './plugin.js';

/**
 * Serves `petrel-sw.js` below `base` in `vite dev`, and writes it (and its source map) into the root of the output in `vite build`.
 * Builds for a server get none.
 *
 * The worker is expected at `/petrel-sw.js`. With another `base`, tell the tracker:
 * `` createTracker({ serviceWorker: { url: `${import.meta.env.BASE_URL}petrel-sw.js` } }) ``.
 *
 * @throws Error in `petrel()` for an option it cannot use; when Vite starts, if the package has no worker in it.
 * @example
 * ```ts
 * import { petrel } from 'petrel/vite';
 * import { defineConfig } from 'vite';
 *
 * export default defineConfig({ plugins: [petrel()] });
 * ```
 */
export function petrel(options: PetrelPluginOptions = {}): Plugin {
  return createVitePlugin(fileURLToPath(new URL('../petrel-sw.js', import.meta.url)), options);
}
