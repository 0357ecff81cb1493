import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A database or message server, started for the tests on a port of its own, with its data in a temporary folder. */
export interface Engine {
  readonly port: number;
  /** Its process, while it runs. */
  pid(): number | undefined;
  /** Ends it at once, as a crash does; its data stay. */
  kill(): Promise<void>;
  /** Starts it again, over the same data, on the same port. */
  start(): Promise<void>;
  /** Ends it, and removes its data. */
  dispose(): Promise<void>;
}

export interface EngineOptions {
  command: string;
  args: string[];
  port: number;
  folder: string;
  spawn?: SpawnOptions;
  /** Resolves when it answers; rejects while it does not. */
  ping(): Promise<unknown>;
  /** How it is made to crash. PostgreSQL's children outlive a parent that is killed, for a while. */
  crashBy?: NodeJS.Signals;
}

/** Longest a server may take to answer after its start. On a machine that does other things as well, PostgreSQL took 8 s. */
const START_TIMEOUT_MS = 60_000;

export async function startEngine(options: EngineOptions): Promise<Engine> {
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const started = spawn(options.command, options.args, { ...options.spawn, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    let output = '';
    for (const stream of [started.stdout!, started.stderr!]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-4_000);
      });
    }
    let failed: Error | undefined;
    started.once('error', (error) => {
      failed = error;
    });
    const until = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (failed || started.exitCode !== null) {
        throw new Error(`${options.command} ended: ${failed?.message ?? output}`);
      }
      try {
        await options.ping();
        return;
      } catch (error) {
        if (Date.now() > until) throw new Error(`${options.command} does not answer: ${output}`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    await ended;
  }

  await start();
  return {
    port: options.port,
    pid: () => child?.pid,
    kill: () => end(options.crashBy ?? 'SIGKILL'),
    start,
    async dispose() {
      await end(options.crashBy ?? 'SIGKILL');
      rmSync(options.folder, { recursive: true, force: true });
    },
  };
}

export const newEngineFolder = (name: string) => mkdtempSync(join(tmpdir(), `petrel-${name}-`));

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** The first of the paths that is a program; a bare name is looked for in PATH, and where Debian puts servers. */
export function findProgram(...candidates: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const paths = candidates.flatMap((name) =>
    name.includes('/') ? [name] : folders.map((folder) => join(folder, name)),
  );
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
