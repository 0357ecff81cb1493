import 'fake-indexeddb/auto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expandBody } from '../../src/core/wire-expand.js';
import { destinationId } from '../../src/protocol.js';
import { startWorker } from '../../sw/start.js';
import { createFakeScope, messageFrom } from './fake-scope.js';

const CONFIG = { endpoint: 'https://collector.example/in', format: 'petrel', options: {}, version: 0 };
const TO = destinationId(CONFIG);
let databases = 0;

function start({ own = false } = {}) {
  const fake = createFakeScope();
  startWorker(fake.scope, { database: `worker-test-${++databases}` }, own);
  return fake;
}

const ask = (type: string, more: object = {}) => ({ petrel: 1, type, to: TO, config: CONFIG, ...more });

const events = (seqs: number[], more: object = {}) =>
  ask('events', {
    origins: [{ source: 'source-1' }],
    events: seqs.map((seq) => [0, seq, 1, 'name', { padding: 'x'.repeat(100) }]),
    ...more,
  });

/** Resolves when there is an answer. */
async function answerTo({ answers }: { answers: unknown[] }): Promise<unknown> {
  while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  return answers.shift();
}

describe('the worker', () => {
  it('stores, answers on the port, and delivers gzipped', async () => {
    const scope = start();

    const stored = messageFrom(scope, events(Array.from({ length: 30 }, (_, i) => i + 1)));
    expect(await answerTo(stored)).toMatchObject({ type: 'stored' });
    const flushed = messageFrom(scope, ask('flush'));
    expect(await answerTo(flushed)).toMatchObject({ type: 'flushed', result: { delivered: 30, remaining: 0 } });
    await Promise.all([stored.waits, flushed.waits]);

    expect(scope.fetch).toHaveBeenCalledTimes(1);
    const [url, { body }] = scope.fetch.mock.calls[0]!;
    expect(url).toBe('https://collector.example/in?enc=gzip');
    const { events: read } = expandBody(JSON.parse(gunzipSync(body as Uint8Array).toString()));
    expect(read.map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  it('answers only a page that is visible at that time', async () => {
    const scope = start();
    const visible = messageFrom(scope, ask('stats'));
    await answerTo(visible);

    const hiding = messageFrom(scope, ask('stats'));
    scope.clients.set('page-1', { id: 'page-1', visibilityState: 'hidden' });
    await hiding.waits;
    const gone = messageFrom(scope, ask('stats'), { source: { id: 'page-2' } });
    await gone.waits;
    const nobody = messageFrom(scope, ask('stats'), { source: null });
    await nobody.waits;

    expect([hiding.answers, gone.answers, nobody.answers]).toEqual([[], [], []]);
  });

  it('answers a page that is visible although the browser goes on to call it hidden', async () => {
    const scope = start();
    const stale = { id: 'page-1', visibilityState: 'hidden' };

    const restored = messageFrom(scope, { ...ask('stats'), visible: true }, { source: stale });
    scope.clients.set('page-1', stale);
    await restored.waits;
    const hidden = messageFrom(scope, { ...ask('stats'), visible: false }, { source: stale });
    scope.clients.set('page-1', stale);
    await hidden.waits;

    expect(restored.answers).toMatchObject([{ type: 'stats' }]);
    expect(hidden.answers).toEqual([]);
  });

  it('needs no port', async () => {
    const scope = start();

    await messageFrom(scope, ask('stats'), { ports: [] }).waits;
  });

  it.each([
    ['of other scripts', { type: 'SKIP_WAITING' }, {}],
    ['that are no objects', 'petrel', {}],
    ['of other origins', events([1]), { origin: 'https://evil.example' }],
  ])('does not stay awake for messages %s, and lets the site have them', (_, data, members) => {
    const scope = start();

    const { answers, waits, event } = messageFrom(scope, data, members);

    expect(waits).toBeUndefined();
    expect(answers).toEqual([]);
    expect(event.defaultPrevented).toBe(false);
  });

  it("adds to a site's own worker what it needs, and no more", () => {
    expect(start().listened().sort()).toEqual(['message', 'sync']);
    expect(start({ own: true }).listened().sort()).toEqual(['install', 'message', 'sync']);
  });

  it.each([
    [{ database: '' }, '`database` must be a string, not ""'],
    [{ database: 7 }, '`database` must be a string, not 7'],
    [{ backgroundSync: 'yes' }, '`backgroundSync` must be a boolean, not "yes"'],
    [{ databse: 'x' }, '`databse` is not an option'],
  ])('refuses options %o', (options, message) => {
    expect(() => startWorker(createFakeScope().scope, options as never)).toThrow(
      expect.objectContaining({ code: 'invalid-option', message }),
    );
  });
});
