import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, findProgram, freePort, newEngineFolder, startEngine } from './engine.js';

export const findClickHouse = (): string | undefined => findProgram('clickhouse-server');

export interface ClickHouse extends Engine {
  readonly url: string;
  /** Rows as JSON objects; nothing for a statement that answers none. */
  query<T extends object>(sql: string): Promise<T[]>;
}

const CONFIG = (folder: string, http: number, tcp: number) => `<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${http}</http_port>
  <tcp_port>${tcp}</tcp_port>
  <path>${folder}/data/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <users_config>${folder}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
</yandex>`;

const USERS = `<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
  <users><default>
    <password></password>
    <networks><ip>::/0</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
  </default></users>
  <quotas><default></default></quotas>
</yandex>`;

export async function startClickHouse(program: string): Promise<ClickHouse> {
  const folder = newEngineFolder('clickhouse');
  const port = await freePort();
  writeFileSync(join(folder, 'config.xml'), CONFIG(folder, port, await freePort()));
  writeFileSync(join(folder, 'users.xml'), USERS);
  const url = `http://127.0.0.1:${port}`;
  const query = async <T extends object>(sql: string): Promise<T[]> => {
    const response = await fetch(url, { method: 'POST', body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  };
  const engine = await startEngine({
    command: program,
    args: [`--config-file=${join(folder, 'config.xml')}`],
    port,
    folder,
    spawn: { cwd: folder },
    ping: () => query('SELECT 1'),
  });
  return { ...engine, url, query };
}
