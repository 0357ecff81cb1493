// Writes the API reference as Markdown into docs/api, from the declarations that are published: `npm run docs` (builds first).
// `--check` writes nothing and ends with 1 when an export has no documentation, or a link leads nowhere. docs/api is not committed.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, ReflectionKind } from 'typedoc';

const root = fileURLToPath(new URL('..', import.meta.url));
const isCheck = process.argv.includes('--check');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * The declarations of an entry of package.json, or of all that stand behind its `*`.
 * @param {unknown} target
 * @returns {string[]}
 */
function declarationsOf(target) {
  const types = typeof target === 'object' && target !== null && 'types' in target ? String(target.types) : '';
  if (!types.includes('*')) return types ? [types] : [];
  const [folder = '', end = ''] = types.split('*');
  const files = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [];
  return files.filter((file) => file.endsWith(end)).map((file) => folder + file);
}

const entryPoints = Object.values(exports).flatMap(declarationsOf);
if (!entryPoints.length || !entryPoints.every((file) => existsSync(join(root, file)))) {
  console.error('The declarations are not there: run `npm run build` first.');
  process.exit(1);
}

/** Everything the entries may name: pages, workers and Node in one program, as when they were built. */
const folder = mkdtempSync(join(tmpdir(), 'petrel-docs-'));
const tsconfig = join(folder, 'tsconfig.json');
writeFileSync(
  tsconfig,
  JSON.stringify({
    compilerOptions: {
      target: 'ES2022',
      module: 'ESNext',
      moduleResolution: 'bundler',
      lib: ['ES2023', 'DOM', 'DOM.Iterable', 'WebWorker'],
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['node'],
      strict: true,
      skipLibCheck: true,
      noEmit: true,
    },
    files: entryPoints.map((file) => join(root, file)),
  }),
);

const app = await Application.bootstrapWithPlugins({
  name: 'Petrel',
  readme: 'none',
  entryPoints: entryPoints.map((file) => join(root, file)),
  tsconfig,
  basePath: join(root, 'dist'),
  plugin: ['typedoc-plugin-markdown'],
  out: join(root, 'docs/api'),
  excludePrivate: true,
  disableSources: true,
  // DOM and WebWorker declare the same names; whether the declarations are right is for test/package/types.test.ts.
  skipErrorChecking: true,
  validation: { notExported: false, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable', 'Enum'],
  // What stands inside a type: the text beside it says it.
  intentionallyNotDocumented: ['server/node.checkServeOptions.__type.onError'],
  treatWarningsAsErrors: isCheck,
  treatValidationWarningsAsErrors: isCheck,
  logLevel: 'Warn',
});

const project = await app.convert();
rmSync(folder, { recursive: true });
if (!project) process.exit(1);
app.validate(project);
if (!isCheck) await app.generateOutputs(project);
const count = project.getReflectionsByKind(ReflectionKind.SomeExport).length;
console.log(`${entryPoints.length} entries, ${count} exports${isCheck ? ' checked' : ' in docs/api'}`);
if (app.logger.hasErrors() || (isCheck && app.logger.hasWarnings())) process.exit(1);
