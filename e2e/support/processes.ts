import { execFileSync } from 'node:child_process';

/**
 * Kills the browser that uses `profile` with SIGKILL: every process that names the folder on its command line, and all of their
 * children, at once. Nothing of the browser gets to say goodbye, as when the phone's battery is pulled out of the process's life.
 */
export function killBrowser(profile: string): void {
  const processes = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 1 << 24 })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, args]) => ({ pid: Number(pid), parent: Number(parent), args: args! }));
  const doomed = new Set(
    processes.filter(({ pid, args }) => args.includes(profile) && pid !== process.pid).map(({ pid }) => pid),
  );
  for (let size = -1; size !== doomed.size; ) {
    size = doomed.size;
    for (const { pid, parent } of processes) if (doomed.has(parent)) doomed.add(pid);
  }
  for (const pid of doomed) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself when its parent did.
    }
  }
}
