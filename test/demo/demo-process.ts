import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('../../demo/start.mjs', import.meta.url));

export interface Ended {
  code: number | null;
  output: string;
}

export interface RunningDemo {
  site: string;
  collector: string;
  output(): string;
  /** Sends the signal that Ctrl+C sends, and waits for the end. */
  interrupt(): Promise<Ended>;
}

/** The demo as its users start it: a process of its own, over the built package, with a database in a folder that goes away. */
export interface DemoProcesses {
  folder: string;
  db: string;
  /** Starts it, on free ports unless told otherwise. */
  start(...args: string[]): Promise<RunningDemo>;
  /** Runs to the end without having started. */
  refused(args: string[], env?: Record<string, string>): Promise<Ended>;
  /** Ends what still runs, and removes the folder. */
  clear(): Promise<void>;
}

export async function createDemoProcesses(): Promise<DemoProcesses> {
  const folder = await mkdtemp(join(tmpdir(), 'petrel-demo-'));
  const db = join(folder, 'deep', 'demo.db');
  const children = new Set<ChildProcess>();

  function launch(args: string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [START, ...args], { env: { ...process.env, ...env, NO_COLOR: '1' } });
    children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code) => {
        children.delete(child);
        resolve({ code, output });
      });
    });
    return { child, ended, output: () => output };
  }

  return {
    folder,
    db,

    async start(...args) {
      const { child, ended, output } = launch(['--port', '0', '--collector-port', '0', '--db', db, ...args]);
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', () => output().includes('Ctrl+C') && resolve());
        void ended.then(({ code }) => reject(new Error(`the demo ended with ${code}:\n${output()}`)));
      });
      const url = (name: string) => output().match(new RegExp(`${name}\\s+(http://\\S+)`))?.[1] ?? '';
      return {
        site: url('Shop'),
        collector: url('Collector'),
        output,
        interrupt: () => {
          child.kill('SIGINT');
          return ended;
        },
      };
    },

    refused: (args, env) => launch(args, env).ended,

    async clear() {
      for (const child of children) child.kill('SIGKILL');
      children.clear();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
