import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

let folder: string;
let tarball: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-pack-'));
  // Without scripts: `prepack` would build once more, under the feet of the other tests.
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]);
  tarball = join(folder, readdirSync(folder)[0]!);
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(command: string, args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

const tool = (path: string, ...args: string[]) => run(process.execPath, [join(root, 'node_modules', path), ...args]);

describe('what would be published', () => {
  it('is what publint recommends', () => {
    const { status, output } = tool('publint/src/cli.js', 'run', tarball, '--strict');

    expect(status, output).toBe(0);
    expect(output).toContain('All good!');
  });

  it('has types that resolve as its code does (are the types wrong?)', () => {
    const { status, output } = tool(
      '@arethetypeswrong/cli/dist/index.js',
      ...[tarball, '--profile', 'esm-only', '--no-color', '--no-emoji'],
      // A file to copy and to serve, which nobody imports.
      ...['--exclude-entrypoints', './petrel-sw.js', './petrel-sw-formats.js'],
      ...['--include-entrypoints', './sinks/sqlite', './sinks/memory'],
    );

    expect(status, output).toBe(0);
    expect(output).toContain('"petrel/sinks/sqlite"');
  });

  it('holds the build, the command line, and no sources, tests or demo', () => {
    const { output } = run('tar', ['-tf', tarball]);
    const top = new Set(
      output
        .trim()
        .split('\n')
        .map((path) => path.split('/').slice(0, 2).join('/')),
    );

    expect([...top].sort()).toEqual(
      ['LICENSE', 'README.md', 'bin', 'dist', 'package.json'].map((file) => `package/${file}`),
    );
  });
});
