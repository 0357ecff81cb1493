import { describe, expect, it } from 'vitest';
import { policies } from '../../scripts/simulate/policies.mjs';
import { type Setting, simulate } from '../../scripts/simulate/world.mjs';

const SETTING: Setting = {
  clients: 2_000,
  eventEveryS: 20,
  loadEveryS: 60,
  beforeS: 30,
  outageS: 300,
  outageStatus: 503,
  afterS: 900,
  capacity: 2,
  seed: 1,
};

const run = (id: string, setting: Partial<Setting> = {}) =>
  simulate(policies().find((policy) => policy.id === id)!, { ...SETTING, ...setting });

describe('a crowd of Petrel trackers after an outage', () => {
  it.each([503, 0] as const)('never asks for more than the server can do, and loses nothing (%d)', (outageStatus) => {
    const { peak, overloadS, lost, drainS } = run('petrel-503', { outageStatus });

    expect(peak).toBeLessThan(1);
    expect(overloadS).toBe(0);
    expect(lost).toBe(0);
    expect(drainS).toBeLessThan(900);
  });

  it('makes less than 10 requests per browser in 40 s', () => {
    expect(run('petrel', { outageS: 40 }).attempts * (40 / 60)).toBeLessThan(10);
  });

  it('is served in turn by a server that has hardly more than it needs', () => {
    const { overloadS, lost } = run('petrel', { clients: 10_000, capacity: 1.2 });

    expect(overloadS).toBeLessThan(5);
    expect(lost).toBe(0);
  });
});

describe('the simulated world', () => {
  it('has the storm that a request per event makes, and the losses of a limit of attempts', () => {
    const segment = run('segment');
    const amplitude = run('amplitude');

    expect(segment.peak).toBeGreaterThan(2);
    expect(segment.overloadS).toBeGreaterThan(30);
    expect(amplitude.lost).toBeGreaterThan(0.9);
  });

  it('repeats a run by its seed', () => {
    expect(run('petrel').offered).toEqual(run('petrel').offered);
    expect(run('petrel', { seed: 2 }).offered).not.toEqual(run('petrel').offered);
  });

  it('is quiet without an outage', () => {
    const { offered } = run('petrel', { outageS: 1 });
    const calm = offered.slice(60);

    expect(calm.reduce((sum, n) => sum + n, 0) / calm.length).toBeCloseTo(1, 1);
  });
});
