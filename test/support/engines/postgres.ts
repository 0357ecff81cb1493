import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type Engine, findProgram, freePort, newEngineFolder, startEngine } from './engine.js';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** The newest PostgreSQL on this machine; Debian keeps its programs out of PATH. */
export function findPostgres(): { postgres: string; initdb: string } | undefined {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a)) : [];
  const find = (name: string) =>
    findProgram(...versions.map((version) => join(DEBIAN_FOLDER, version, 'bin', name)), name);
  const [postgres, initdb] = [find('postgres'), find('initdb')];
  return postgres && initdb ? { postgres, initdb } : undefined;
}

/** Root may not run PostgreSQL: the package's own user does, else nobody. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string, user: string) =>
    Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: 'pipe' }));
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) };
    } catch {
      // No such user.
    }
  }
  throw new Error('there is no user to run PostgreSQL as');
}

export interface Postgres extends Engine {
  /** Of the superuser, in the database `postgres`. */
  readonly url: string;
  query<T extends object>(sql: string, values?: unknown[]): Promise<T[]>;
}

export async function startPostgres(programs: { postgres: string; initdb: string }): Promise<Postgres> {
  const folder = newEngineFolder('postgres');
  const port = await freePort();
  const user = unprivileged();
  if (user) chownSync(folder, user.uid, user.gid);
  execFileSync(
    programs.initdb,
    ['-D', folder, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync'],
    {
      stdio: 'pipe',
      cwd: folder,
      ...user,
    },
  );
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const query = async <T extends object>(sql: string, values: unknown[] = []): Promise<T[]> => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql, values)).rows as T[];
    } finally {
      await client.end();
    }
  };
  const engine = await startEngine({
    command: programs.postgres,
    args: ['-D', folder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    port,
    folder,
    spawn: { cwd: folder, ...user },
    ping: () => query('SELECT 1'),
    // An immediate shutdown: as a crash, with all its children.
    crashBy: 'SIGQUIT',
  });
  return { ...engine, url, query };
}
