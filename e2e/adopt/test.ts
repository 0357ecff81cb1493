import type { ExampleSite, Examples } from '../support/examples.js';
import { createExamples, serveExample } from '../support/examples.js';
import { test as base } from '../support/test.js';

export { expectEvents } from '../support/examples.js';
export { chromiumOnly, expect } from '../support/test.js';

/** The stories' `test`, with the examples. Each is built when the first story asks for it. */
export const test = base.extend<
  { serve(from: { folder: string } | { upstream: string }): Promise<ExampleSite>; patience: undefined },
  { examples: Examples }
>({
  examples: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to learn what a fixture needs
    async ({}, use) => {
      const examples = createExamples();
      await use(examples);
      examples.remove();
    },
    { scope: 'worker' },
  ],

  patience: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to learn what a fixture needs
    async ({}, use, info) => {
      // Workbox's build alone took a minute on two cores with much else to do.
      info.setTimeout(180_000);
      await use(undefined);
    },
    { auto: true },
  ],

  serve: async ({ collector }, use) => {
    const sites: ExampleSite[] = [];
    await use(async (from) => {
      const site = await serveExample(from, collector);
      sites.push(site);
      return site;
    });
    for (const site of sites) await site.close();
  },
});
