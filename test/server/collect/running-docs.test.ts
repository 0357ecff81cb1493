import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findConfigFile } from '../../../bin/collect/config-file.mjs';
import { flagOf, mergeSettings, parseFlags, SETTINGS, variableOf } from '../../../bin/collect/settings.mjs';

// docs/running.md is copied into servers: what it names has to be there.

const text = readFileSync(new URL('../../../docs/running.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language, code]) => ({
  language,
  code: code!,
}));
const block = (language: string, part: string) => {
  const found = blocks.find((one) => one.language === language && one.code.includes(part));
  if (!found) throw new Error(`no ${language} with ${part}`);
  return found.code;
};
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('docs/running.md', () => {
  it('names every setting, and no variable or flag of the collector that there is not', () => {
    const variables = new Set([...SETTINGS.map(variableOf), 'PETREL_CONFIG']);
    const flags = new Set([...SETTINGS.map(flagOf), 'config']);
    const table = text.slice(text.indexOf('## Settings'), text.indexOf('## Sinks'));

    const named = [...text.matchAll(/PETREL_[A-Z_]*[A-Z]/g)].map(([name]) => name);
    const used = [...table.matchAll(/--([a-z][a-z-]+)/g)].map(([, name]) => name!);

    expect(named.filter((name) => !variables.has(name))).toEqual([]);
    expect(used.filter((name) => !flags.has(name))).toEqual([]);
    // In the table a group stands in one row: `limits.maxBodyBytes`, … .
    const missing = SETTINGS.filter(
      ({ name }) =>
        !name.startsWith('limits.') && !table.includes(`\`${name}`) && !table.includes(`\`${name.split('.').at(-1)}`),
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('has an env file whose settings are good', () => {
    const env = Object.fromEntries(
      block('sh', 'PETREL_CONFIG=')
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );

    const { config, unknown } = mergeSettings({ flags: parseFlags([]), env, file: undefined });

    expect(unknown).toEqual([]);
    expect(config).toMatchObject({ db: '/var/lib/petrel/events.db', trustProxy: 1, drainTimeoutMs: 20_000 });
    expect(() => findConfigFile(env.PETREL_CONFIG, tmpdir())).toThrow('petrel.config.json');
  });

  it('has commands that begin as they are written', () => {
    const unit = block('ini', '[Service]');
    const dockerfile = block('dockerfile', 'FROM');

    expect(unit).toMatch(/^ExecStart=.*\/petrel\/bin\/petrel\.mjs collect$/m);
    expect(dockerfile).toMatch(/^CMD \["node", "node_modules\/petrel\/bin\/petrel\.mjs", "collect"\]$/m);
    const { bin } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(bin.petrel).toBe('bin/petrel.mjs');
    const health = JSON.parse(/^HEALTHCHECK .* CMD (\[.*\])$/m.exec(dockerfile)![1]!) as string[];
    // Nobody listens there in a test, or a collector does: both are answers, a mistake in it is none.
    const { status, stderr } = spawnSync(process.execPath, health.slice(1), { encoding: 'utf8' });
    expect([0, 1]).toContain(status);
    expect(stderr).toBe('');
  });

  // systemd is not on every machine that develops this; CI's has it.
  it.skipIf(!hasSystemd)('has a unit that systemd takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'petrel-unit-'));
    try {
      // What it starts is looked for: here that is this Node, and a file that is there.
      const unit = block('ini', '[Service]').replace(/^ExecStart=.*$/m, `ExecStart=${process.execPath} --version`);
      writeFileSync(join(folder, 'petrel.service'), unit);

      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', join(folder, 'petrel.service')], {
        encoding: 'utf8',
      });

      expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('petrel.service'))).toEqual([]);
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
