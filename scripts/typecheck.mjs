// Type-checks every part under its own config: `tsc -p` for each nested tsconfig, as many at a time as there are cores. What a run
// found out about files is kept for the next one, which then looks only at what has changed.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PARTS = ['src', 'sw', 'test', 'e2e', 'demo', 'scripts'];

const configs = PARTS.filter((part) => existsSync(join(root, part))).flatMap((part) =>
  readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|[/\\])tsconfig[^/\\]*\.json$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(part, file)),
);

let failed = 0;
let next = 0;

/** Takes configs until none is left. */
async function work() {
  for (let config = configs[next++]; config; config = configs[next++]) {
    const output = await check(config);
    if (output === undefined) continue;
    failed++;
    console.error(`${config}\n${output}`);
  }
}

/**
 * @param {string} config
 * @returns {Promise<string | undefined>} What is wrong; undefined when nothing is.
 */
function check(config) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const known = join(
    root,
    'node_modules/.cache/petrel',
    config.replaceAll(/[/\\]/g, '-').replace(/json$/, 'tsbuildinfo'),
  );
  const child = spawn(
    process.execPath,
    [tsc, '-p', config, '--pretty', 'false', '--incremental', '--tsBuildInfoFile', known],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0 ? undefined : output || `tsc ended with ${code}`));
  });
}

await Promise.all(Array.from({ length: Math.min(availableParallelism(), configs.length) }, work));
console.log(`${configs.length} configs checked, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
