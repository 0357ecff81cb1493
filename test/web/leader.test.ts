import { describe, expect, it, vi } from 'vitest';
import { createLeader, createYieldingLeader } from '../../src/web/leader.js';
import { createFakeLocks } from '../support/fake-locks.js';

/** A run that ends when told. */
function controllable<T>(value: T) {
  let finish = () => {};
  const ended = new Promise<T>((resolve) => {
    finish = () => resolve(value);
  });
  return { run: vi.fn(() => ended), finish: () => finish() };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe.each([
  ['createLeader', createLeader],
  ['createYieldingLeader', (locks?: LockManager) => createYieldingLeader(locks).lead],
])('%s', (_, create) => {
  it('lets one run at a time under one name, across owners', async () => {
    const locks = createFakeLocks();
    const [ours, theirs] = [create(locks), create(locks)];
    const [first, second, other] = [controllable(1), controllable(2), controllable(3)];

    const results = [ours('a', first.run), theirs('a', second.run), theirs('b', other.run)];
    await settle();

    expect(first.run).toHaveBeenCalledTimes(1);
    expect(second.run).not.toHaveBeenCalled();
    expect(other.run).toHaveBeenCalledTimes(1);

    first.finish();
    other.finish();
    await settle();
    expect(second.run).toHaveBeenCalledTimes(1);
    second.finish();
    expect(await Promise.all(results)).toEqual([1, 2, 3]);
  });

  it('gives the lock back when the run fails, and passes the failure on', async () => {
    const lead = create(createFakeLocks());

    await expect(lead('a', () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');

    expect(await lead('a', async () => 'next')).toBe('next');
  });

  it('runs without a lock where there are none, and where they are refused', async () => {
    const refusing = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) } as never;

    expect(await create(undefined)('a', async () => 1)).toBe(1);
    expect(await create(refusing)('a', async () => 2)).toBe(2);
  });
});

describe('createYieldingLeader', () => {
  it('gives its lock up at once when the page hides, while its run goes on', async () => {
    const locks = createFakeLocks();
    const page = createYieldingLeader(locks);
    const other = createLeader(locks);
    const [ours, theirs] = [controllable('ours'), controllable('theirs')];
    const running = page.lead('a', ours.run);
    await settle();
    const waiting = other('a', theirs.run);
    await settle();

    page.yield();
    await settle();

    expect(theirs.run).toHaveBeenCalled();
    ours.finish();
    theirs.finish();
    expect(await Promise.all([running, waiting])).toEqual(['ours', 'theirs']);
  });

  it('waits for no lock while hidden, and runs what was asked for when shown again', async () => {
    const locks = createFakeLocks();
    const page = createYieldingLeader(locks);
    const holder = controllable('held');
    const holding = createLeader(locks)('a', holder.run);
    const early = controllable('early');
    const late = controllable('late');
    const results = [page.lead('a', early.run)];
    await settle();

    page.yield();
    page.yield();
    results.push(page.lead('b', late.run));
    await settle();
    expect(locks.waiting).toBe(0);
    holder.finish();
    await holding;
    await settle();
    expect(early.run).not.toHaveBeenCalled();
    expect(late.run).not.toHaveBeenCalled();

    page.resume();
    page.resume();
    await settle();
    early.finish();
    late.finish();
    expect(await Promise.all(results)).toEqual(['early', 'late']);
  });
});
