import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The rows of the table: what a visitor loads → its bytes after gzip. */
function gzipOf(page: string): Map<string, number> {
  const rows = page.matchAll(/^\| `(.*?)` \|.*\| ([\d,]+) \| [\d,]+ \|$/gm);
  return new Map([...rows].map(([, file = '', gzip = '']) => [file, Number(gzip.replaceAll(',', ''))]));
}

it('docs/sizes.md names every file that is weighed, and its size within a tenth', () => {
  const { stdout } = spawnSync(process.execPath, ['scripts/size.mjs', '--markdown'], { cwd: root, encoding: 'utf8' });
  const now = gzipOf(stdout);
  const documented = gzipOf(readFileSync(`${root}docs/sizes.md`, 'utf8'));

  expect(now.size).toBeGreaterThan(10);
  expect([...documented.keys()]).toEqual([...now.keys()]);
  for (const [file, gzip] of now) expect(Math.abs(documented.get(file)! - gzip) / gzip, file).toBeLessThan(0.1);
});
