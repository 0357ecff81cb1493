// Finds and reads petrel.config.{ts,mts,mjs,js,json}.

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../lib/command.mjs';

const NAMES = ['ts', 'mts', 'mjs', 'js', 'json'].map((ending) => `petrel.config.${ending}`);

/**
 * @param {string | undefined} named a file, or else one of the usual names in the working folder, if there is one
 * @param {string} [folder]
 * @returns {string | undefined}
 * @throws UsageError when there are several, or none of that name
 */
export function findConfigFile(named, folder = process.cwd()) {
  if (named !== undefined) {
    if (!statSync(resolve(folder, named), { throwIfNoEntry: false })?.isFile()) {
      throw new UsageError(`there is no config file ${named}`);
    }
    return named;
  }
  const found = NAMES.filter((name) => existsSync(join(folder, name)));
  if (found.length > 1) throw new UsageError(`there are ${found.join(' and ')}: keep one, or name it by --config`);
  return found[0];
}

/**
 * What the file says, as it is now: another call reads it anew.
 *
 * @param {string} path
 * @returns {Promise<{ path: string, config: Record<string, unknown> }>}
 * @throws UsageError with what is wrong with it
 */
export async function readConfigFile(path) {
  let config;
  try {
    config = await load(resolve(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} cannot be read: ${/** @type {Error} */ (error).message}`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new UsageError(`${path} must ${extname(path) === '.json' ? 'be' : 'export as its default'} an object`);
  }
  return { path, config };
}

/** @param {string} path */
async function load(path) {
  const ending = extname(path);
  if (ending === '.json') return JSON.parse(readFileSync(path, 'utf8'));
  if (!['.js', '.mjs', '.ts', '.mts'].includes(ending)) {
    throw new UsageError(`${path} is no config file: its name must end in .ts, .mts, .mjs, .js or .json`);
  }
  if (!ending.endsWith('ts') || stripsTypes()) return importFresh(path);
  const script = await withoutTypes(path);
  // Beside the original, so that its imports mean what they say.
  const copy = join(dirname(path), `.${basename(path)}.${process.pid}.mjs`);
  try {
    writeFileSync(copy, script, { flag: 'wx' });
  } catch (cause) {
    throw new Error(`a copy without types cannot be written beside it (${/** @type {Error} */ (cause).message})`);
  }
  try {
    return await importFresh(copy);
  } finally {
    rmSync(copy, { force: true });
  }
}

/** Node 22.18 and later import TypeScript as it is. */
function stripsTypes() {
  return Boolean(/** @type {{ typescript?: unknown }} */ (process.features).typescript);
}

let times = 0;

/**
 * @param {string} path
 * @returns {Promise<unknown>} its default export
 */
async function importFresh(path) {
  // Modules are kept by address: another one each time, for a reload.
  return (await import(`${pathToFileURL(path).href}?${++times}`)).default;
}

/** @param {string} path */
async function withoutTypes(path) {
  const source = readFileSync(path, 'utf8');
  const require = createRequire(path);
  for (const name of ['typescript', 'esbuild']) {
    let tool;
    try {
      tool = require(name);
    } catch {
      continue; // Not installed there; the next one may be.
    }
    if (name === 'esbuild') {
      return (await tool.transform(source, { loader: 'ts', format: 'esm', sourcefile: path })).code;
    }
    const { ScriptTarget, ModuleKind } = tool;
    const { outputText, diagnostics } = tool.transpileModule(source, {
      fileName: path,
      reportDiagnostics: true,
      compilerOptions: { target: ScriptTarget.ES2022, module: ModuleKind.ESNext, verbatimModuleSyntax: true },
    });
    if (diagnostics.length > 0) throw new Error(tool.flattenDiagnosticMessageText(diagnostics[0].messageText, ' '));
    return outputText;
  }
  throw new UsageError(
    `${path} is TypeScript, which Node ${process.versions.node} does not read by itself: install \`typescript\` or \`esbuild\` beside it, ` +
      'use Node 22.18 or later, or name it petrel.config.mjs',
  );
}
