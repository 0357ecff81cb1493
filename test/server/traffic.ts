import Libsql from 'libsql';
import { expect } from 'vitest';
import { columns, gzip, queued } from './support.js';

// Load for collectors that run as processes of their own, and a look at what they stored.

let loads = 0;

/** Posts batches of `size` events by several senders until told to stop, each again until it is acknowledged by some collector. */
export function load(
  urls: () => string[],
  { senders = 8, size = 25, batches = Number.POSITIVE_INFINITY, key = undefined as string | undefined } = {},
) {
  const name = `load-${++loads}`;
  const acknowledged: string[] = [];
  const posted: string[] = [];
  let accepted = 0;
  let stopped = false;
  const send = async (sender: number) => {
    for (let batch = 0; batch < batches && !stopped; batch++) {
      const events = queued(1 + batch * size, (batch + 1) * size, `${name}-${sender}`);
      const ids = events.map(({ origin, seq }) => `${origin.source}.${seq}`);
      const body = gzip(columns(events, { batchId: `${sender}-${batch}`, ...(key !== undefined && { key }) }));
      posted.push(...ids);
      for (let attempt = 0; !stopped; attempt++) {
        const all = urls();
        const answer = await fetch(`${all[(sender + attempt) % all.length]}/?enc=gzip`, { method: 'POST', body })
          .then((response) => (response.status === 200 ? response.json() : undefined))
          .catch(() => undefined);
        if (answer) {
          expect(answer.accepted + answer.duplicates).toBe(size);
          accepted += answer.accepted;
          acknowledged.push(...ids);
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const done = Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)));
  return {
    acknowledged,
    posted,
    accepted: () => accepted,
    done,
    stop: () => {
      stopped = true;
      return done;
    },
    async reaches(count: number) {
      while (acknowledged.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

export function storedIds(path: string): string[] {
  const db = new Libsql(path);
  const rows = db.prepare('SELECT id FROM events').all() as { id: string }[];
  db.close();
  return rows.map(({ id }) => id);
}
