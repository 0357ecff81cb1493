import { describe, expect, it } from 'vitest';
import { decode, RECEIVED_AT, request } from './decode.js';

const post = (...lines: (object | string)[]) =>
  request(
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\r\n'),
    'application/x-ndjson',
  );

describe('lines of JSON', () => {
  it("become events, with the sender's own columns as properties", async () => {
    const line = { id: 'x1', event: 'deploy', time: '2026-11-23T16:00:00Z', userId: 'u1', host: 'web-3', ok: true };

    const { format, events, rejected } = await decode(post(line));

    expect([format, rejected]).toEqual(['ndjson', []]);
    expect(events).toEqual([
      {
        id: 'x1',
        source: 'ndjson',
        seq: 0,
        name: 'deploy',
        category: 'custom',
        timestamp: Date.parse(line.time),
        userId: 'u1',
        properties: { host: 'web-3', ok: true },
      },
    ]);
  });

  it('are known when they come again without an id, if they say when they happened', async () => {
    const ids = async (line: object) => (await decode(post(line))).events.map(({ id }) => id);
    const dated = { name: 'a', timestamp: RECEIVED_AT - 1 };

    expect(await ids(dated)).toEqual(await ids(dated));
    expect(await ids({ ...dated, name: 'b' })).not.toEqual(await ids(dated));
  });

  it('are rejected one by one, and empty ones are none', async () => {
    const { events, rejected } = await decode(
      post('', { name: 'a' }, '{"cut', '[]', '   ', { name: 7 }, { name: 'b' }),
    );

    expect(events.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(rejected).toEqual([
      { index: 1, id: '', reason: 'bad-row' },
      { index: 2, id: '', reason: 'bad-row' },
      { index: 3, id: '', reason: 'bad-name' },
    ]);
  });
});
