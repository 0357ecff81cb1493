import 'fake-indexeddb/auto';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFakeLocks } from '../support/fake-locks.js';

/** Bodies that arrived. */
let bodies: { events: unknown }[] = [];
let isUp = true;

// What the background worker of an extension has: no window, no document, no pages to ask.
beforeEach(() => {
  bodies = [];
  isUp = true;
  const scope = Object.assign(new EventTarget(), { location: new URL('chrome-extension://abcdefgh/background.js') });
  vi.stubGlobal('self', scope);
  vi.stubGlobal('navigator', { onLine: true, locks: createFakeLocks() });
  vi.stubGlobal('fetch', async (url: string, { body }: { body: string | Uint8Array<ArrayBuffer> }) => {
    if (!isUp) throw new TypeError('Failed to fetch');
    const isPacked = url.includes('enc=gzip');
    const text = isPacked
      ? gunzipSync(new Uint8Array(await new Response(body).arrayBuffer())).toString()
      : String(body);
    bodies.push(JSON.parse(text));
    return Response.json({ accepted: 1, duplicates: 0, rejected: [], serverTime: Date.now() });
  });
});
afterEach(() => void vi.unstubAllGlobals());

/** The worker's script is run anew, as whenever the browser wakes it. */
async function wake() {
  vi.resetModules();
  const { createTracker } = await import('../../src/worker/index.js');
  return createTracker({ endpoint: 'https://collect.example/in', context: { url: 'chrome-extension://abcdefgh/' } });
}

it('an extension’s background worker delivers, and after it was stopped what it had stored', async () => {
  isUp = false;
  const first = await wake();
  first.track('Installed', { reason: 'install' });
  const stopped = await first.flush();
  expect(stopped).toMatchObject({ delivered: 0, remaining: 1, pausedBy: 'backoff' });
  first.close();

  isUp = true;
  const second = await wake();
  second.track('Button Clicked');
  // After the failure of its earlier life the first attempt comes within a second: not all who start at once ask at once.
  const stats = await vi.waitFor(
    async () => {
      const now = await second.stats();
      expect(now.delivered).toBeGreaterThanOrEqual(1);
      return second.flush().then(() => second.stats());
    },
    { timeout: 5_000 },
  );

  expect(stats).toMatchObject({ accepted: 2, delivered: 2, waiting: 0, inFlight: 0, host: { kind: 'page' } });
  const sent = JSON.stringify(bodies);
  expect(sent.match(/Installed/g)).toHaveLength(1);
  expect(sent.match(/Button Clicked/g)).toHaveLength(1);
  second.close();
});
