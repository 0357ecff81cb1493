import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const built = join(root, 'dist', 'petrel-sw.js');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

let site: string;
beforeEach(() => {
  site = mkdtempSync(join(tmpdir(), 'petrel-cli-'));
  mkdirSync(join(site, 'public'));
});
afterEach(() => rmSync(site, { recursive: true }));

const copied = () => join(site, 'public', 'petrel-sw.js');

function petrel(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin', 'petrel.mjs'), ...args], {
    cwd: site,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('petrel init', () => {
  it('copies the worker and its source map, byte for byte', () => {
    const { status, stdout } = petrel('init', 'public');

    expect(status).toBe(0);
    expect(stdout).toContain(`petrel ${version}`);
    expect(readFileSync(copied()).equals(readFileSync(built))).toBe(true);
    expect(readFileSync(`${copied()}.map`).equals(readFileSync(`${built}.map`))).toBe(true);
  });

  it('replaces the worker of another release', () => {
    writeFileSync(copied(), '/*! petrel 0.0.1, with idb 8.0.4 */\nself;\n');

    expect(petrel('init', 'public').status).toBe(0);
    expect(readFileSync(copied()).equals(readFileSync(built))).toBe(true);
  });

  it('does not overwrite a worker that is not its own, unless told to', () => {
    writeFileSync(copied(), 'self.mine = true;\n');

    const refused = petrel('init', 'public');

    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('--force');
    expect(readFileSync(copied(), 'utf8')).toBe('self.mine = true;\n');
    expect(petrel('init', 'public', '--force').status).toBe(0);
    expect(readFileSync(copied()).equals(readFileSync(built))).toBe(true);
  });

  it('does not make a folder that is misspelt: a worker nobody serves would go unnoticed', () => {
    const { status, stderr } = petrel('init', 'pubilc');

    expect(status).toBe(2);
    expect(stderr).toContain('`pubilc` is not a folder');
    expect(existsSync(join(site, 'pubilc'))).toBe(false);
  });

  it('says so when the package has no worker in it', () => {
    const broken = join(site, 'package');
    for (const part of ['bin', 'package.json']) cpSync(join(root, part), join(broken, part), { recursive: true });

    const { status, stderr } = spawnSync(process.execPath, [join(broken, 'bin', 'petrel.mjs'), 'init', 'public'], {
      cwd: site,
      encoding: 'utf8',
    });

    expect(status).toBe(1);
    expect(stderr).toContain('is missing: the package is incomplete');
  });
});

describe('petrel init --formats', () => {
  it('copies the worker that knows other formats, under its own name', () => {
    const { status } = petrel('init', 'public', '--formats');

    const copy = readFileSync(join(site, 'public', 'petrel-sw-formats.js'));
    expect(status).toBe(0);
    expect(copy.equals(readFileSync(join(root, 'dist', 'petrel-sw-formats.js')))).toBe(true);
    expect(existsSync(copied())).toBe(false);
    expect(petrel('init', 'public', '--formats', '--check').status).toBe(0);
  });

  it('says which call would mend a copy that is missing', () => {
    const { status, stderr } = petrel('init', 'public', '--formats', '--check');

    expect(status).toBe(1);
    expect(stderr).toContain('npx petrel init public --formats');
  });
});

describe('petrel init --check', () => {
  it('is content with a fresh copy', () => {
    petrel('init', 'public');

    expect(petrel('init', 'public', '--check')).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    ['is missing', undefined],
    ['is of petrel 0.0.1', '/*! petrel 0.0.1, with idb 8.0.4 */'],
    [`differs from the one in petrel ${version}`, `/*! petrel ${version}, with idb 8.0.4 */ changed`],
    ["is not Petrel's worker", 'self.mine = true;'],
  ])('fails when the copy %s, and changes nothing', (problem, content) => {
    if (content !== undefined) writeFileSync(copied(), content);

    const { status, stderr } = petrel('init', 'public', '--check');

    expect(status).toBe(1);
    expect(stderr).toContain(problem);
    expect(stderr).toContain('npx petrel init public');
    expect(existsSync(copied()) ? readFileSync(copied(), 'utf8') : undefined).toBe(content);
  });
});

describe('petrel consume', () => {
  it('says what it does, from the package as it is built', () => {
    expect(petrel('consume', '--help')).toMatchObject({ status: 0, stderr: '' });
    expect(petrel('consume', '--help').stdout).toContain('--from <address>');
  });

  it('ends with 1 where there is no server, and says so', () => {
    // Nothing listens on port 9 of a machine of today.
    const { status, stdout, stderr } = petrel('consume', '--from', 'nats://127.0.0.1:9', '--sink', 'events.db');

    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('the stream PETREL cannot be used');
    expect(stderr).not.toContain('    at ');
  });

  it.each([
    ['needs --from', ['--sink', 'events.db']],
    ['needs --sink', ['--from', 'nats://127.0.0.1']],
    ['--sink must be a store', ['--from', 'nats://127.0.0.1', '--sink', 'nats://127.0.0.1']],
    ['--from must be such as nats://', ['--from', 'http://127.0.0.1', '--sink', 'events.db']],
  ])('refuses a wrong call: %s', (problem, args) => {
    const { status, stderr } = petrel('consume', ...args);

    expect(status).toBe(2);
    expect(stderr).toContain(problem);
  });
});

describe('petrel', () => {
  it('tells its version and its use', () => {
    expect(petrel('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(petrel('--help').stdout).toContain('petrel init <public-dir>');
  });

  it.each([
    ['no command given', []],
    ['unknown command `inti`', ['inti']],
    ['needs the folder', ['init']],
    ['one folder, not also `b`', ['init', 'a', 'b']],
    ["Unknown option '--chek'", ['init', 'public', '--chek']],
  ])('refuses a wrong call: %s', (problem, args) => {
    const { status, stdout, stderr } = petrel(...args);

    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('    at ');
  });
});
