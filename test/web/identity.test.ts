import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { createIdentity } from '../../src/web/identity.js';
import { createIdbMetaStore, createMemoryMetaStore, type MetaStore } from '../../src/web/meta-store.js';
import { createFakeClock } from '../support/fake-clock.js';
import { freshName, openDatabase } from './idb-store.fixture.js';

const MINUTE_MS = 60_000;

function setup(meta: MetaStore = createMemoryMetaStore()) {
  const clock = createFakeClock();
  let writes = 0;
  const counted: MetaStore = {
    read: meta.read,
    update: (key, change) => {
      writes++;
      return meta.update(key, change);
    },
  };
  return { clock, meta, start: () => createIdentity({ meta: counted, clock }), writes: () => writes };
}

describe('the identity', () => {
  it('makes ids once, and keeps them over a restart', async () => {
    const { start } = setup();

    const first = await start().ids();
    const second = await start().ids();

    expect(first.anonymousId).not.toBe(first.sessionId);
    expect(second).toEqual(first);
  });

  it('begins another visit after half an hour without an event', async () => {
    const { clock, start } = setup();
    const identity = start();
    const first = await identity.ids();
    for (let i = 0; i < 5; i++) {
      await clock.advance(29 * MINUTE_MS);
      expect(await identity.ids()).toEqual(first);
    }

    await clock.advance(30 * MINUTE_MS);

    const next = await identity.ids();
    expect(next.anonymousId).toBe(first.anonymousId);
    expect(next.sessionId).not.toBe(first.sessionId);
  });

  it('begins another visit after a day, although events kept coming', async () => {
    const { clock, start } = setup();
    const identity = start();
    const first = await identity.ids();
    for (let minutes = 0; minutes < 24 * 60; minutes += 20) {
      expect((await identity.ids()).sessionId).toBe(first.sessionId);
      await clock.advance(20 * MINUTE_MS);
    }

    expect((await identity.ids()).sessionId).not.toBe(first.sessionId);
  });

  it('begins another visit when the clock jumps far', async () => {
    const { clock, start } = setup();
    const identity = start();
    const first = await identity.ids();

    clock.jump(-3 * 60 * MINUTE_MS);

    expect((await identity.ids()).sessionId).not.toBe(first.sessionId);
  });

  it('agrees with another owner, and counts what either saw', async () => {
    const { clock, start } = setup();
    const [ours, theirs] = [start(), start()];
    const first = await ours.ids();
    expect(await theirs.ids()).toEqual(first);

    for (let i = 0; i < 4; i++) {
      await clock.advance(20 * MINUTE_MS);
      await ours.ids();
    }

    expect(await theirs.ids()).toEqual(first);
    await clock.advance(40 * MINUTE_MS);
    const next = await theirs.ids();
    expect(next.sessionId).not.toBe(first.sessionId);
    expect(await ours.ids()).toEqual(next);
  });

  it('writes once a minute at most', async () => {
    const { clock, start, writes } = setup();
    const identity = start();
    for (let i = 0; i < 600; i++) {
      await identity.ids();
      clock.jump(1_000);
    }

    expect(writes()).toBe(10);
  });

  it('is somebody else after it forgot', async () => {
    const { start, meta } = setup();
    const identity = start();
    const first = await identity.ids();

    await identity.forget();

    expect(await meta.read()).toEqual(new Map());
    const next = await identity.ids();
    expect(next.anonymousId).not.toBe(first.anonymousId);
    expect(next.sessionId).not.toBe(first.sessionId);
  });

  it('makes damaged ids anew', async () => {
    const { start, meta } = setup();
    for (const damaged of [
      'text',
      null,
      {},
      { anonymousId: 7 },
      { anonymousId: 'a', sessionId: 'b', startedAt: 'x', lastAt: 1 },
    ]) {
      await meta.update('identity', () => damaged);
      expect(await start().ids()).toEqual({ anonymousId: expect.any(String), sessionId: expect.any(String) });
    }
  });

  it('does without when the database fails', async () => {
    const failing = { read: async () => new Map(), update: () => Promise.reject(new Error('gone')) };

    expect(await setup(failing).start().ids()).toEqual({});
  });
});

describe.each([
  ['memory', () => createMemoryMetaStore()],
  ['IndexedDB', () => createIdbMetaStore(openDatabase(freshName()))],
])('the meta store in %s', (_, make) => {
  it('keeps, replaces and removes values by key', async () => {
    const meta = make();
    await meta.update('a', () => 1);
    await meta.update('b', () => ({ deep: ['value'] }));

    expect(await meta.update('a', (before) => (before as number) + 1)).toBe(2);
    expect(await meta.read()).toEqual(
      new Map<string, unknown>([
        ['a', 2],
        ['b', { deep: ['value'] }],
      ]),
    );

    await meta.update('b', () => undefined);
    expect([...(await meta.read()).keys()]).toEqual(['a']);
  });
});
