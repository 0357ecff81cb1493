import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/docs.mjs', import.meta.url));

it('every public export has documentation, and every link in it leads somewhere', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });

  // The warnings, where there are some, name what is missing.
  expect({ status, output: `${stdout}${stderr}`.replace(/\d+/g, 'n').trim() }).toEqual({
    status: 0,
    output: 'n entries, n exports checked',
  });
}, 120_000);
