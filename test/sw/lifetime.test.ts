import { describe, expect, it, vi } from 'vitest';
import type { HostEngine } from '../../src/web/engine.js';
import { createMemoryMetaStore } from '../../src/web/meta-store.js';
import { createLifetime } from '../../sw/lifetime.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeScope } from './fake-scope.js';

const DAY_MS = 86_400_000;

function setup({ own = true, backgroundSync = true, sync = true } = {}) {
  const fake = createFakeScope({ sync });
  const clock = createFakeClock();
  const meta = createMemoryMetaStore();
  const wakeAll = vi.fn<HostEngine['wakeAll']>(async () => undefined);
  /** A worker that was just started. */
  const start = () =>
    createLifetime({ scope: fake.scope, engine: { wakeAll } as never, meta, clock, backgroundSync, own });
  return { ...fake, clock, meta, wakeAll, start };
}

const nothingWaits = Promise.resolve(undefined);
const waits = Promise.resolve(60_000);

describe("the worker's life", () => {
  it('takes over at once when installed, and claims no page', () => {
    const { start, dispatch, skipWaiting, claim, listened } = setup();
    start();

    dispatch('install', {});
    dispatch('activate', {});

    expect(skipWaiting).toHaveBeenCalledTimes(1);
    expect(claim).not.toHaveBeenCalled();
    expect(listened()).not.toContain('fetch');
  });

  it("leaves installation and updates of the site's own worker alone", async () => {
    const { start, clock, dispatch, skipWaiting, registration, listened } = setup({ own: false });
    const life = start();

    dispatch('install', {});
    for (let day = 0; day < 3; day++) {
      await life.until(nothingWaits);
      await clock.advance(DAY_MS);
    }

    expect(skipWaiting).not.toHaveBeenCalled();
    expect(registration.update).not.toHaveBeenCalled();
    expect(listened()).toEqual(['sync']);
  });

  it('looks for an update once a day, when nothing waits, over restarts', async () => {
    const { start, clock, registration } = setup();
    let life = start();
    await life.until(nothingWaits);
    expect(registration.update).not.toHaveBeenCalled();

    await clock.advance(DAY_MS - 1);
    await life.until(nothingWaits);
    expect(registration.update).not.toHaveBeenCalled();

    await clock.advance(1);
    await life.until(waits);
    expect(registration.update).not.toHaveBeenCalled();
    await life.until(nothingWaits);
    life = start();
    await life.until(nothingWaits);
    expect(registration.update).toHaveBeenCalledTimes(1);

    await clock.advance(DAY_MS);
    await life.until(nothingWaits);
    expect(registration.update).toHaveBeenCalledTimes(2);
  });

  it('looks again a day after a look that failed, and after a clock that was wrong', async () => {
    const { start, clock, registration } = setup();
    const life = start();
    await life.until(nothingWaits);
    await clock.advance(DAY_MS);
    registration.update.mockRejectedValueOnce(new TypeError('offline'));
    await life.until(nothingWaits);
    expect(registration.update).toHaveBeenCalledTimes(1);

    clock.jump(-10 * DAY_MS);
    await life.until(nothingWaits);

    expect(registration.update).toHaveBeenCalledTimes(2);
  });

  it('does without the database', async () => {
    const { scope, ...fake } = createFakeScope();
    const life = createLifetime({
      scope,
      engine: {} as never,
      meta: { read: () => Promise.reject(new Error('gone')), update: () => Promise.reject(new Error('gone')) },
      clock: createFakeClock(),
      backgroundSync: true,
      own: true,
    });

    await life.until(nothingWaits);

    expect(fake.registration.update).not.toHaveBeenCalled();
  });

  it('sets one alarm while something waits, and another when something waits again', async () => {
    const { start, tags } = setup();
    const life = start();

    await life.until(waits);
    await life.until(waits);
    expect(tags).toEqual(['petrel']);

    await life.until(nothingWaits);
    await life.until(waits);
    expect(tags).toEqual(['petrel', 'petrel']);
  });

  it('sets an alarm for the network when it is offline', async () => {
    const { start, tags, navigator } = setup();
    navigator.onLine = false;

    await start().until(waits);

    expect(tags).toEqual(['petrel-online']);
  });

  it('does without an alarm where there is none, where it is refused, and where it is not wanted', async () => {
    await setup({ sync: false }).start().until(waits);

    const refused = setup();
    refused.syncManager.register.mockRejectedValue(new DOMException('no', 'NotAllowedError'));
    await refused.start().until(waits);

    const unwanted = setup({ backgroundSync: false });
    await unwanted.start().until(waits);
    expect(unwanted.syncManager.register).not.toHaveBeenCalled();
  });

  it('takes up all queues when the alarm rings; the network is back only if it was waited for', async () => {
    const { start, dispatch, wakeAll } = setup();
    start();

    await dispatch('sync', { tag: 'petrel', lastChance: false }).waits;
    await dispatch('sync', { tag: 'petrel-online', lastChance: false }).waits;

    expect(wakeAll.mock.calls).toEqual([[false], [true]]);
  });

  it('asks for another alarm when something still waits, but for the last', async () => {
    const { start, dispatch, wakeAll, tags } = setup();
    const life = start();
    await life.until(waits);
    wakeAll.mockResolvedValue(60_000);

    await expect(dispatch('sync', { tag: 'petrel', lastChance: false }).waits).rejects.toThrow('wait');
    await life.until(waits);
    expect(tags).toEqual(['petrel']);

    await dispatch('sync', { tag: 'petrel', lastChance: true }).waits;
    await life.until(waits);
    expect(tags).toEqual(['petrel', 'petrel']);
  });

  it("leaves the site's own alarms alone", () => {
    const { start, dispatch, wakeAll } = setup();
    start();

    expect(dispatch('sync', { tag: 'outbox', lastChance: false }).waits).toBeUndefined();
    expect(wakeAll).not.toHaveBeenCalled();
  });
});
