import { expect } from '@playwright/test';
import type { TrackerStats } from '../../src/page/api.js';
import type { TestCollector } from './collector.js';
import { stats } from './tracking.js';
import type { Tab } from './visitor.js';

/** When every gap has grown too old to be filled, in days: what the ledger then calls missing is a defect. */
const LATER_DAYS = 30;

/**
 * What holds at the end of every story, whatever it was about: the counters of each page that is still open follow the law of
 * `Stats`, and every number that its tracker gave to an event is in the database, told as dropped, or still waiting.
 */
export async function expectCountersToBeTrue(tabs: Iterable<Tab>, collector: TestCollector): Promise<void> {
  for (const tab of tabs) {
    // Pages without a tracker, and those that a story broke so that nobody answers, have no counters to compare.
    const told = await tab
      .evaluate(() => (globalThis as { harness?: typeof harness }).harness?.tracker !== undefined)
      .then((has) => (has ? stats(tab) : undefined))
      .catch(() => undefined);
    if (told) expectLaw(told, await collector.rows(), collector.drops());
  }
}

function expectLaw(
  told: TrackerStats,
  rows: readonly { source: string; seq: number }[],
  drops: readonly { source: string; first: number; last: number }[],
): void {
  const { accepted, delivered, dropped, waiting, inFlight, droppedByReason = {}, page } = told;
  const sum = (counts: { [reason: string]: number }) => Object.values(counts).reduce((total, n) => total + n, 0);
  // The host's counters are missing: the page is hidden, and gets no answers. What it has is then nobody's to tell.
  if (accepted === undefined) return;
  expect(delivered! + dropped! + waiting! + inFlight!, `the law of Stats: ${JSON.stringify(told)}`).toBe(accepted);
  expect(sum(droppedByReason), `every loss has a reason: ${JSON.stringify(told)}`).toBe(dropped);

  const known = new Set(rows.filter(({ source }) => source === page.source).map(({ seq }) => seq));
  for (const { source, first, last } of drops) {
    if (source === page.source) for (let seq = first; seq <= last; seq++) known.add(seq);
  }
  const unknown = Array.from({ length: page.seq }, (_, i) => i + 1).filter((seq) => !known.has(seq));
  const accountedFor = waiting! + inFlight! + dropped! + sum(page.dropped) + page.unacknowledged;
  expect(
    unknown.length,
    `numbers that nobody accounts for, of ${unknown.slice(0, 10).join()}: ${JSON.stringify(told)}`,
  ).toBeLessThanOrEqual(accountedFor);
}

/** And of the collector: its ledger has exactly what the database has, and misses nothing. */
export async function expectLedgerToBeTrue(collector: TestCollector): Promise<void> {
  const rows = await collector.rows();
  const { total } = await collector.ledger(LATER_DAYS);
  expect(total.delivered, 'delivered, says the ledger').toBe(rows.length);
  expect(total.missing, 'missing, says the ledger').toBe(collector.untold);
  expect(total.contradicted, 'in the database although said to be dropped').toBe(0);
  expect(await collector.audit(), 'the ledger compared with the database').toMatchObject({
    checked: rows.length,
    gone: 0,
    stray: 0,
  });
}
