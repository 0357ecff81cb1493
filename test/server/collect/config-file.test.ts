import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findConfigFile, readConfigFile } from '../../../bin/collect/config-file.mjs';

const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** A compiler that was installed beside the config file. */
function install(name: string): void {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(packages, name), join(folder, 'node_modules', name));
}

describe('the config file', () => {
  it('is found by one of its names in the working folder, or by the name it is given', () => {
    expect(findConfigFile(undefined, folder)).toBeUndefined();
    write('petrel.config.mjs', '');
    write('other.json', '{}');

    expect(findConfigFile(undefined, folder)).toBe('petrel.config.mjs');
    expect(findConfigFile('other.json', folder)).toBe('other.json');
  });

  it('is refused when there are two, or none of that name', () => {
    write('petrel.config.mjs', '');
    write('petrel.config.json', '{}');

    expect(() => findConfigFile(undefined, folder)).toThrow('petrel.config.mjs and petrel.config.json');
    expect(() => findConfigFile('nowhere.json', folder)).toThrow('there is no config file nowhere.json');
    expect(() => findConfigFile('.', folder)).toThrow('there is no config file .');
  });

  it.each([
    ['petrel.config.json', '{"port":1}'],
    ['petrel.config.mjs', 'export default { port: 1 };'],
    ['petrel.config.ts', 'interface A { port: number }\nexport default { port: 1 } satisfies A;'],
    [
      'petrel.config.mts',
      "import type { X } from './nowhere.js';\nconst x: number = 1;\nexport default { port: x as X };",
    ],
  ])('%s is read', async (name, text) => {
    install('typescript');
    const path = write(name, text);

    expect(await readConfigFile(path)).toEqual({ path, config: { port: 1 } });
    expect(readdirSync(folder).sort()).toEqual(['node_modules', name].sort());
  });

  it.each(['petrel.config.json', 'petrel.config.mjs', 'petrel.config.ts'])(
    '%s is read anew each time',
    async (name) => {
      install('typescript');
      const text = (port: number) => (name.endsWith('json') ? `{"port":${port}}` : `export default { port: ${port} };`);
      await readConfigFile(write(name, text(1)));

      expect(await readConfigFile(write(name, text(2)))).toMatchObject({ config: { port: 2 } });
    },
  );

  it('in TypeScript imports what lies beside it', async () => {
    install('typescript');
    write('keys.mjs', "export const keys = ['a'];");
    const path = write(
      'petrel.config.ts',
      "import { keys } from './keys.mjs';\nexport default { keys: keys as string[] };",
    );

    expect(await readConfigFile(path)).toMatchObject({ config: { keys: ['a'] } });
  });

  it('in TypeScript is read by esbuild where only that is installed', async () => {
    const esbuild = join(folder, 'node_modules', 'esbuild');
    mkdirSync(esbuild, { recursive: true });
    // Its part of the talk: Petrel does not depend on it.
    writeFileSync(
      join(esbuild, 'index.js'),
      "exports.transform = async (code, { loader, format }) => ({ code: [loader, format].join() === 'ts,esm' && code.replace(': number', '') });",
    );
    const path = write('petrel.config.ts', 'const port: number = 1;\nexport default { port };');

    expect(await readConfigFile(path)).toMatchObject({ config: { port: 1 } });
  });

  it('in TypeScript says what to do where nothing can read it', async () => {
    const path = write('petrel.config.ts', 'export default { port: 1 as number };');

    await expect(readConfigFile(path)).rejects.toThrow(
      /install `typescript` or `esbuild` beside it.*petrel.config.mjs/,
    );
  });

  it.each([
    ['petrel.config.json', '{"port":', 'cannot be read'],
    ['petrel.config.json', '[]', 'must be an object'],
    ['petrel.config.mjs', 'export const port = 1;', 'must export as its default an object'],
    ['petrel.config.mjs', 'export default 5;', 'must export as its default an object'],
    ['petrel.config.mjs', "throw new Error('no secret');", 'cannot be read: no secret'],
    ['petrel.config.ts', 'export default { port: ', 'cannot be read'],
    ['petrel.config.yaml', 'port: 1', 'its name must end in'],
  ])('%s is refused with its name and what is wrong: %s', async (name, text, problem) => {
    install('typescript');
    const path = write(name, text);

    const error = await readConfigFile(path).catch((reason: Error) => reason);

    expect(error).toMatchObject({ name: 'UsageError' });
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).toContain(problem);
  });
});
