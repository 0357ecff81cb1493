import { test as base, expect } from '@playwright/test';
import type { ChromiumOptions, ChromiumVisitor } from './chromium.js';
import { createChromiumVisitor } from './chromium.js';
import type { TestCollector } from './collector.js';
import { KEY, openCollector } from './collector.js';
import { createFirefoxVisitor } from './firefox.js';
import { expectCountersToBeTrue, expectLedgerToBeTrue } from './law.js';
import type { Site } from './site.js';
import { createSite } from './site.js';
import type { EngineName, Tab, Visitor } from './visitor.js';
import { createWebKitGtkVisitor } from './webkitgtk.js';

export * from './tracking.js';
export type { Tab, Visitor } from './visitor.js';
export { expect };

interface Options {
  /** Set by the project. */
  engine: EngineName;
  chromiumOptions: ChromiumOptions;
}

interface Fixtures {
  /** A real collector with its database on disk, behind a door that misbehaves on request. At the end, its ledger must tell the truth. */
  collector: TestCollector;
  /** The site whose pages send to it. */
  site: Site;
  /** Somebody with a fresh profile. At the end, counters of their pages must be true, and nothing in them may have complained. */
  visitor: Visitor;
  /** The same, for what only Chromium can be made to do. */
  chromium: ChromiumVisitor;
}

export const test = base.extend<Options & Fixtures>({
  engine: ['chromium', { option: true }],
  chromiumOptions: [{}, { option: true }],

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to learn what a fixture needs
  collector: async ({}, use, testInfo) => {
    const { collector, close } = await openCollector();
    await use(collector);
    if (testInfo.status === testInfo.expectedStatus) await expectLedgerToBeTrue(collector);
    await close();
    expect(collector.errors, 'what the collector told its operator').toEqual([]);
  },

  site: async ({ collector }, use) => {
    const site = await createSite();
    // Time is the subject of few stories: batches are due soon.
    site.options = { endpoint: `${collector.origin}/v1/events`, key: KEY, maxBatchAgeMs: 200 };
    await use(site);
    await site.close();
  },

  visitor: async ({ engine, chromiumOptions, collector }, use, testInfo) => {
    const visitor = await createVisitor(engine, chromiumOptions);
    const tabs = rememberTabs(visitor);
    await use(visitor);
    if (testInfo.status === testInfo.expectedStatus) await expectCountersToBeTrue(tabs, collector);
    await visitor.leave();
    expect([...new Set(visitor.complaints)], 'what the pages complained about').toEqual([]);
  },

  chromium: async ({ visitor }, use) => use(visitor as ChromiumVisitor),
});

/** Skips the stories of a file or a group in other engines, saying why they cannot be told there. */
export function chromiumOnly(because: string): void {
  test.skip(({ engine }) => engine !== 'chromium', because);
}

/** The tabs that are open: neither closed nor gone with their browser. */
function rememberTabs(visitor: Visitor): Set<Tab> {
  const tabs = new Set<Tab>();
  const { open, crash } = visitor;
  visitor.open = async (url) => {
    const tab = await open(url);
    const { close } = tab;
    tabs.add(tab);
    tab.close = async () => {
      tabs.delete(tab);
      await close();
    };
    return tab;
  };
  visitor.crash = async () => {
    tabs.clear();
    await crash();
  };
  return tabs;
}

function createVisitor(engine: EngineName, options: ChromiumOptions): Promise<Visitor> {
  if (engine === 'firefox') return createFirefoxVisitor();
  return engine === 'webkitgtk' ? createWebKitGtkVisitor() : createChromiumVisitor(options);
}
