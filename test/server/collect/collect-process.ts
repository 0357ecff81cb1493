import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { layOutPackage } from '../../support/compile.js';

/** A line of the collector's log. */
export interface LogLine {
  level: string;
  message: string;
  [field: string]: unknown;
}

export interface CollectProcess {
  child: ChildProcess;
  /** Where it listens. @throws what it wrote, when it ended instead. */
  url: Promise<string>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  output: { stdout: string; stderr: string };
  log(): LogLine[];
  /** Resolves when there is such a line in the log. */
  logged(message: string): Promise<LogLine>;
}

/** The package laid out once for a file of tests, a folder for each of them, and an end for the processes they start in it. */
export function usePetrel(): {
  inFolder(name: string): string;
  /** Runs the command in the folder. */
  start(args: string[], env?: Record<string, string>): CollectProcess;
} {
  let home: string;
  let script: string;
  let folder: string;
  const running: CollectProcess[] = [];
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'petrel-collect-'));
    script = layOutPackage(join(home, 'package'));
  }, 60_000);
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  beforeEach(() => {
    folder = mkdtempSync(join(home, 'run-'));
  });
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
  });
  return {
    inFolder: (name) => join(folder, name),
    start(args, env) {
      const started = runPetrel(script, args, { cwd: folder, ...(env && { env }) });
      running.push(started);
      return started;
    },
  };
}

/** Runs a command that logs as `petrel collect` does. */
function runPetrel(
  script: string,
  args: string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): CollectProcess {
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  let heard = () => {};
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      heard();
    });
  }
  let over = false;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => {
      over = true;
      heard();
      resolve({ code, signal });
    }),
  );
  async function find<T>(what: () => T | undefined): Promise<T> {
    for (;;) {
      const found = what();
      if (found !== undefined) return found;
      if (over) throw new Error(`it ended: ${output.stdout}${output.stderr}`);
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  }
  const lines = () =>
    output.stderr
      .split('\n')
      .slice(0, -1)
      .map((line): LogLine => JSON.parse(line));
  const url = find(() => output.stdout.match(/ at (http:\S+)\/ /)?.[1]);
  // Whoever expects it to fail looks at `ended` instead.
  url.catch(() => {});
  return {
    child,
    url,
    ended,
    output,
    log: lines,
    logged: (message) => find(() => lines().find((line) => line.message === message)),
  };
}
