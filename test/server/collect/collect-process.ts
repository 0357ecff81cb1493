import { type ChildProcess, spawn } from 'node:child_process';

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

/** Runs `petrel collect` as a process of its own. */
export const runCollect = (script: string, args: string[], world: { cwd: string; env?: Record<string, string> }) =>
  runPetrel(script, ['collect', ...args], world);

/** Runs a command that logs as `petrel collect` does. */
export function runPetrel(
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
