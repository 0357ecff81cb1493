import { existsSync, readFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import type { Plugin, ResolvedConfig } from 'vite';

/** Options of the plugin. */
export interface PetrelPluginOptions {
  /**
   * Where the worker lies below Vite's `base`: a relative path that ends in `.js`, such as `assets/queue.js`.
   * Keep it for ever: a browser finds its queue by the worker's address.
   * @defaultValue 'petrel-sw.js'
   */
  fileName?: string;
}

/** The plugin, for a worker at any place: only the entry knows where the package keeps its own. */
export function createVitePlugin(worker: string, options: PetrelPluginOptions): Plugin {
  const fileName = check(options);
  /** What is served and written: path below `base` → file. The worker names its map relative to itself. */
  const files = new Map([
    [fileName, worker],
    [posix.join(posix.dirname(fileName), `${basename(worker)}.map`), `${worker}.map`],
  ]);
  let config: ResolvedConfig;

  return {
    name: 'petrel',

    // Vite 6 and later ask this; 5 says it in the config.
    applyToEnvironment: (environment) => environment.config.consumer === 'client',

    configResolved(resolved) {
      config = resolved;
      for (const file of files.values()) {
        if (!existsSync(file)) {
          throw new Error(
            `petrel: ${file} is missing: the package is incomplete (in its repository, run \`npm run build\`)`,
          );
        }
      }
      const copy = config.publicDir && join(config.publicDir, fileName);
      if (copy && existsSync(copy))
        config.logger.warn(`petrel: ${copy} is not used: the plugin serves and writes ${fileName}`);
      if (/^(https?:)?\/\//.test(config.base)) {
        config.logger.warn(
          `petrel: \`base\` is ${config.base}, but a browser takes a worker only from the page's own origin: serve ${fileName} there`,
        );
      }
    },

    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        // Vite takes the base away only after the plugins.
        const { pathname } = new URL(request.url ?? '/', 'http://vite');
        const path = pathname.startsWith(config.base) ? pathname.slice(config.base.length) : undefined;
        const file = path === undefined ? undefined : files.get(path);
        if (!file || (request.method !== 'GET' && request.method !== 'HEAD')) return next();
        try {
          // Read anew: the package may be updated, or built, while the server runs.
          const content = readFileSync(file);
          response.setHeader(
            'Content-Type',
            file.endsWith('.map') ? 'application/json' : 'text/javascript; charset=utf-8',
          );
          response.setHeader('Content-Length', content.length);
          response.setHeader('Cache-Control', 'no-cache');
          response.end(request.method === 'HEAD' ? undefined : content);
        } catch (error) {
          next(error);
        }
      });
    },

    generateBundle() {
      if (config.build.ssr) return;
      for (const [path, file] of files) this.emitFile({ type: 'asset', fileName: path, source: readFileSync(file) });
    },
  };
}

function check(options: PetrelPluginOptions): string {
  const stranger = Object.keys(options).find((option) => option !== 'fileName');
  if (stranger !== undefined) throw new Error(`petrel: \`${stranger}\` is not an option`);
  const { fileName = 'petrel-sw.js' } = options;
  if (typeof fileName !== 'string' || !/^(?!\.*\/)[^\\?#]+\.js$/.test(fileName) || fileName.split('/').includes('..')) {
    throw new Error(
      `petrel: \`fileName\` must be a path below \`base\` that ends in .js, not ${JSON.stringify(fileName)}`,
    );
  }
  return fileName;
}
