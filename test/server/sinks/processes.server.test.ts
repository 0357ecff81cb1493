import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileServer, linkPackages } from '../../support/compile.js';
import { describeEngine } from '../../support/engines/describe-engine.js';
import { findPostgres, type Postgres, startPostgres } from '../../support/engines/postgres.js';
import { type RunningScript, runScript } from '../../support/run-script.js';
import { columns, gzip, queued } from '../support.js';

// Three collectors as processes of their own, one database, load over HTTP; one is killed in the middle of it.

const SCRIPT = `
  import { createCollector } from './src/server/index.js';
  import { serve } from './src/server/node.js';
  import { createPostgresSink } from './src/server/sinks/postgres.js';

  const collector = createCollector({ sink: await createPostgresSink({ url: process.argv[1] }) });
  const server = await serve(collector, { host: '127.0.0.1' });
  process.send(server.url);
`;

const SENDERS = 6;
const BATCHES = 40;
const SIZE = 25;

describeEngine('PostgreSQL', findPostgres(), (programs) => {
  let postgres: Postgres;
  let folder: string;
  const processes: RunningScript[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'petrel-processes-'));
    compileServer(folder);
    linkPackages(folder);
    postgres = await startPostgres(programs);
  }, 120_000);
  afterAll(async () => {
    for (const { kill } of processes) kill();
    await postgres?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('three collectors share it, and lose and double nothing when one is killed under load', {
    timeout: 120_000,
  }, async () => {
    for (let i = 0; i < 3; i++) processes.push(await runScript(folder, SCRIPT, postgres.url));
    const urls = processes.map(({ said }) => String(said));
    let acknowledged = 0;
    let repeated = 0;
    let accepted = 0;

    /** Each batch goes to one collector, and to the next when there is no 200; every fifth to a second one as well. */
    const send = async (sender: number) => {
      for (let batch = 0; batch < BATCHES; batch++) {
        const events = queued(1 + batch * SIZE, (batch + 1) * SIZE, `sender-${sender}`);
        const body = gzip(columns(events, { batchId: `${sender}-${batch}` }));
        const post = async (url: string) => {
          const response = await fetch(`${url}/?enc=gzip`, { method: 'POST', body }).catch(() => undefined);
          return response?.status === 200 ? response.json() : undefined;
        };
        for (let attempt = 0; ; attempt++) {
          const answer = await post(urls[(sender + attempt) % 3]!);
          if (!answer) {
            repeated++;
            continue;
          }
          expect(answer.accepted + answer.duplicates).toBe(SIZE);
          accepted += answer.accepted;
          acknowledged += SIZE;
          if (batch % 5 === 0) accepted += (await post(urls[(sender + attempt + 1) % 3]!))?.accepted ?? 0;
          break;
        }
      }
    };
    const load = Promise.all(Array.from({ length: SENDERS }, (_, sender) => send(sender)));
    while (acknowledged < 1_500) await new Promise((resolve) => setTimeout(resolve, 5));
    processes[1]!.kill();
    await load;

    const total = SENDERS * BATCHES * SIZE;
    const [row] = await postgres.query<{ n: string; ids: string; sources: string; top: string }>(
      `SELECT count(*) AS n, count(DISTINCT id) AS ids, count(DISTINCT source) AS sources, max(seq) AS top FROM petrel.events`,
    );
    expect({ ...row }).toEqual({ n: `${total}`, ids: `${total}`, sources: `${SENDERS}`, top: `${BATCHES * SIZE}` });
    expect(acknowledged).toBe(total);
    expect(repeated).toBeGreaterThan(0);
    // What the killed one stored and could not tell is accepted nowhere; nothing is accepted twice.
    expect(accepted).toBeLessThanOrEqual(total);
  });
});
