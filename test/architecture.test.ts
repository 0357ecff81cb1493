import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Which parts a part may import. `type` means its types only: nothing of it may be in the other's bundle. */
const ARROWS: Record<string, Record<string, 'value' | 'type'>> = {
  core: {},
  protocol: { core: 'type' },
  formats: { core: 'value' },
  web: { core: 'value', protocol: 'value', formats: 'value' },
  page: { web: 'value', core: 'value', protocol: 'value', formats: 'value' },
  development: { page: 'value', plugins: 'value' },
  plugins: { page: 'type', core: 'value' },
  worker: { page: 'type', web: 'value', core: 'value', protocol: 'value' },
  inspector: { page: 'type', core: 'type', protocol: 'type' },
  sw: { web: 'value', core: 'value', protocol: 'value', formats: 'value' },
  server: { core: 'value', web: 'value', formats: 'value' },
  testing: { server: 'value', core: 'value' },
  vite: {},
  compat: { page: 'value', core: 'type' },
};

/** Packages, and the files that may name them. */
const PACKAGES: Record<string, RegExp> = {
  idb: /^src\/web\//,
  'workbox-window': /^src\/page\//,
  'web-vitals': /^src\/plugins\//,
  'web-vitals/attribution': /^src\/plugins\//,
  '@openfeature/web-sdk': /^src\/plugins\//,
  libsql: /^src\/server\/sinks\//,
  pg: /^src\/server\/sinks\//,
  '@nats-io/jetstream': /^src\/server\/sinks\//,
  '@nats-io/transport-node': /^src\/server\/sinks\//,
  vite: /^src\/vite\//,
  node: /^src\/(server\/(node\.ts|sinks\/)|testing\/|vite\/)/,
};

interface Import {
  specifier: string;
  /** `type`: erased. `lazy`: `import()`. */
  kind: 'value' | 'type' | 'lazy';
}

type Sources = Map<string, string>;

/** Every import, export-from, `import()` and `import('…').Type` of a file. */
function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ specifier: node.moduleSpecifier.text, kind: isTypeOnly(node.importClause) ? 'type' : 'value' });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ specifier: node.moduleSpecifier.text, kind: node.isTypeOnly ? 'type' : 'value' });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      found.push({ specifier: (node.argument.literal as ts.StringLiteral).text, kind: 'type' });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) found.push({ specifier: argument.text, kind: 'lazy' });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true));
  return found;
}

/** With `verbatimModuleSyntax`, `import { type A } from` still imports the file: only `import type` is erased. */
function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** The source file a relative specifier means. */
function target(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** `src/core/queue.ts` → `core`; the page entry belongs to `page`, what developers alone load may bring plugins with it. */
function partOf(path: string): string {
  if (path === 'src/index.ts') return 'page';
  if (path === 'src/index.development.ts' || path === 'src/script-tag.debug.ts') return 'development';
  if (path === 'src/protocol.ts') return 'protocol';
  return path.split('/')[path.startsWith('src/') ? 1 : 0]!;
}

/** What is against the arrows, a sentence each. */
function violations(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) =>
    importsOf(path, text).flatMap(({ specifier, kind }) => {
      const wrong = specifier.startsWith('.') ? wrongPart(path, specifier, kind) : wrongPackage(path, specifier);
      return wrong ? [`${path} imports ${specifier}: ${wrong}`] : [];
    }),
  );

  function wrongPart(path: string, specifier: string, kind: Import['kind']): string | undefined {
    if (!specifier.endsWith('.js')) return 'a relative import ends in .js';
    if (!sources.has(target(path, specifier))) return 'there is no such file';
    const [from, to] = [partOf(path), partOf(target(path, specifier))];
    if (from === to) return undefined;
    const arrow = ARROWS[from]?.[to];
    if (!arrow) return `${from} does not know ${to}`;
    return arrow === 'type' && kind !== 'type' ? `${from} knows only the types of ${to}` : undefined;
  }

  function wrongPackage(path: string, specifier: string): string | undefined {
    const isNode = specifier.startsWith('node:') || builtinModules.includes(specifier);
    const allowed = PACKAGES[isNode ? 'node' : specifier];
    if (!allowed) return 'Petrel does not use this package';
    return allowed.test(path) ? undefined : 'not a file that may';
  }
}

/** All that ends up in one built file: what `entry` reaches without `import()`, packages included. */
function reach(sources: Sources, entry: string): Set<string> {
  const seen = new Set([entry]);
  for (const path of seen) {
    for (const { specifier, kind } of importsOf(path, sources.get(path) ?? '')) {
      if (kind === 'value') seen.add(specifier.startsWith('.') ? target(path, specifier) : specifier);
    }
  }
  return seen;
}

function readSources(): Sources {
  const files = ['src', 'sw'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => posix.join(folder, file.split(sep).join('/'))),
  );
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

describe('the import arrows', () => {
  it('hold in every file of src and sw', () => {
    const sources = readSources();

    expect([...sources.keys()].map(partOf)).toEqual(expect.arrayContaining(['core', 'web', 'page', 'server']));
    expect(violations(sources)).toEqual([]);
  });

  it.each([
    ['src/core/a.ts', "import { b } from '../web/b.js'", 'core does not know web'],
    ['src/core/a.ts', "import type { b } from '../protocol.js'", 'core does not know protocol'],
    ['src/core/a.ts', "export * from '../server/b.js'", 'core does not know server'],
    ['src/core/a.ts', "let a: import('../web/b.js').B", 'core does not know web'],
    ['src/protocol.ts', "import { b } from './core/b.js'", 'protocol knows only the types of core'],
    ['src/protocol.ts', "import { type B } from './core/b.js'", 'protocol knows only the types of core'],
    ['src/web/a.ts', "import { b } from '../page/b.js'", 'web does not know page'],
    ['src/web/a.ts', "const b = () => import('../../sw/b.js')", 'web does not know sw'],
    ['src/page/a.ts', "import { b } from '../../sw/b.js'", 'page does not know sw'],
    ['src/index.ts', "import { b } from './server/b.js'", 'page does not know server'],
    ['sw/a.ts', "import { b } from '../src/page/b.js'", 'sw does not know page'],
    ['src/server/a.ts', "import { b } from '../page/b.js'", 'server does not know page'],
    ['src/server/a.ts', "import { b } from 'node:http'", 'not a file that may'],
    ['src/server/a.ts', "import { b } from 'zlib'", 'not a file that may'],
    ['src/page/a.ts', "import { openDB } from 'idb'", 'not a file that may'],
    ['src/web/a.ts', "import { b } from 'lodash'", 'Petrel does not use this package'],
    ['src/web/a.ts', "import { b } from './b'", 'a relative import ends in .js'],
    ['src/web/a.ts', "import { b } from './c.js'", 'there is no such file'],
  ])('are seen to be broken by %s with %s', (path, text, problem) => {
    const others = ['core', 'web', 'page', 'server'].map((part) => `src/${part}/b.ts`);
    const sources = new Map([...others, 'sw/b.ts', 'src/protocol.ts'].map((file) => [file, '']));

    expect(violations(sources.set(path, text))).toEqual([expect.stringContaining(problem)]);
  });

  it('allow what they should', () => {
    const sources = new Map([
      ['src/core/b.ts', ''],
      ['src/web/b.ts', "import { openDB } from 'idb'; import { b } from '../core/b.js';"],
      ['src/protocol.ts', "import type { B } from './core/b.js';"],
      ['src/page/b.ts', "import { b } from '../web/b.js'; import type { C } from '../protocol.js';"],
      ['src/server/node.ts', "import { createServer } from 'node:http'; import { b } from '../core/b.js';"],
    ]);

    expect(violations(sources)).toEqual([]);
  });
});

describe('what is loaded together', () => {
  const sources = readSources();

  it.each(['src/page/register.ts', 'src/page/in-page-host.ts', 'src/page/in-page-formats.ts'])(
    '%s does not bring the page entry with it',
    (chunk) => {
      const entryFiles = ['src/index.ts', 'src/index.development.ts', 'src/page/script-tag.ts', 'src/page/tracker.ts'];

      expect(sources.has(chunk)).toBe(true);
      expect([...reach(sources, chunk)].filter((path) => entryFiles.includes(path))).toEqual([]);
    },
  );

  it.each(['src/index.ts', 'src/page/script-tag.ts'])('%s leaves engine and registration to its chunks', (entry) => {
    const loaded = [...reach(sources, entry)];

    expect(sources.has(entry)).toBe(true);
    expect(loaded.filter((path) => /\/(event-batcher|engine|idb-store|register|in-page-host)\.ts$/.test(path))).toEqual(
      [],
    );
    expect(loaded.filter((path) => !path.includes('/'))).toEqual([]);
  });
});
