import { connect } from '@nats-io/transport-node';
import { type Engine, findProgram, freePort, newEngineFolder, startEngine } from './engine.js';

export const findNats = (): string | undefined => findProgram('nats-server');

export interface Nats extends Engine {
  readonly url: string;
}

export async function startNats(program: string): Promise<Nats> {
  const folder = newEngineFolder('nats');
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const engine = await startEngine({
    command: program,
    args: ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', folder],
    port,
    folder,
    async ping() {
      const connection = await connect({ servers: url, reconnect: false, timeout: 2_000 });
      await connection.close();
    },
  });
  return { ...engine, url };
}
