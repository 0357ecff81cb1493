import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * Writes what the collector is made of as JavaScript to `folder/src` (or another folder in it), types merely removed, for tests that
 * need it in a process of its own. Packages can be imported from there after {@link linkPackages}.
 */
export function compileServer(folder: string, into = 'src'): void {
  for (const part of ['core', 'web', 'server']) {
    const files = readdirSync(join(root, 'src', part), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.ts'))) {
      const { outputText } = ts.transpileModule(readFileSync(join(root, 'src', part, file), 'utf8'), {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
      });
      const out = join(folder, into, part, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(out), { recursive: true });
      writeFileSync(out, outputText);
    }
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}

/** Lays out a package with the command line over sources as they are now, so that it can be run before a build; returns the script. */
export function layOutPackage(folder: string): string {
  compileServer(folder, 'dist');
  linkPackages(folder);
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  return join(folder, 'bin', 'petrel.mjs');
}

export function linkPackages(folder: string): void {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}
