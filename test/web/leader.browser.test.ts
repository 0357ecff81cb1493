import { describe, expect, it } from 'vitest';
import { createLeader, createYieldingLeader } from '../../src/web/leader.js';

const held = async () => (await navigator.locks.query()).held!.map(({ name }) => name);
const pending = async () => (await navigator.locks.query()).pending!.map(({ name }) => name);

/** A run that ends when told. */
function controllable() {
  let finish = () => {};
  let begun = () => {};
  const ended = new Promise<string>((resolve) => {
    finish = () => resolve('done');
  });
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const run = () => {
    begun();
    return ended;
  };
  return { run, started, finish: () => finish() };
}

describe('the leader with the locks of Chromium', () => {
  it('holds the lock while it runs, and lets the next one in', async () => {
    const lead = createLeader(navigator.locks);
    const [first, second] = [controllable(), controllable()];
    const results = [lead('petrel a', first.run), createLeader(navigator.locks)('petrel a', second.run)];
    await first.started;
    expect(await held()).toContain('petrel a');
    expect(await pending()).toContain('petrel a');

    first.finish();
    await second.started;
    second.finish();

    expect(await Promise.all(results)).toEqual(['done', 'done']);
    expect(await held()).not.toContain('petrel a');
  });

  it('leaves no lock behind when the run fails', async () => {
    await expect(createLeader(navigator.locks)('petrel b', () => Promise.reject(new Error('a bug')))).rejects.toThrow();

    expect(await held()).toEqual([]);
  });

  it('gives locks up when the page hides, held or waited for', async () => {
    const page = createYieldingLeader(navigator.locks);
    const [running, waiting] = [controllable(), controllable()];
    const first = page.lead('petrel c', running.run);
    await running.started;
    const second = page.lead('petrel c', waiting.run);

    page.yield();
    await expect.poll(async () => [await held(), await pending()]).toEqual([[], []]);

    page.resume();
    await waiting.started;
    expect(await held()).toEqual(['petrel c']);
    running.finish();
    waiting.finish();
    expect(await Promise.all([first, second])).toEqual(['done', 'done']);
  });
});
