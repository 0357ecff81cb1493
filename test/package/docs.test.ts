import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { read, rowsOf } from '../docs/tables.js';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

describe('docs/plugins.md', () => {
  it.each(rowsOf(read('docs/plugins.md'), 'plugin').map(({ plugin, size }) => [/`(.*)`/.exec(plugin!)![1]!, size!]))(
    'says the size of %s: %s',
    (plugin, size) => {
      const bytes = gzipSync(readFileSync(`${dist}plugins/${plugin}.js`), { level: 9 }).length;

      expect(size).toMatch(/^\d\.\d KB$/);
      // One digit after the point, and a little for what a change of the compiler does.
      expect(Math.abs(bytes / 1_000 - Number.parseFloat(size))).toBeLessThan(0.1);
    },
  );
});
