import { type ChildProcess, spawn } from 'node:child_process';

export interface RunningScript {
  child: ChildProcess;
  /** The first thing it sent with `process.send`. */
  said: unknown;
  /** At once, as a crash does. */
  kill(): void;
}

/** Runs a module script in a process of its own; resolves when it sends its first message. */
export function runScript(cwd: string, script: string, ...args: string[]): Promise<RunningScript> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const kill = () => void child.kill('SIGKILL');
  // A test that fails must not leave it behind.
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return new Promise((resolve, reject) => {
    child.once('message', (said) => resolve({ child, said, kill }));
    child.once('exit', (code, signal) => reject(new Error(`the script ended with ${code ?? signal}`)));
    child.once('error', reject);
  });
}
