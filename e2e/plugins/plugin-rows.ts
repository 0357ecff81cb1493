import type { CollectedRow, TestCollector } from '../support/collector.js';
import type { Site } from '../support/site.js';
import { arrived, expect, nextVisitWhereNeeded, type Tab, type Visitor } from '../support/test.js';

/** A row, its properties read. */
export interface PluginRow extends Omit<CollectedRow, 'properties'> {
  // biome-ignore lint/suspicious/noExplicitAny: whatever was collected
  properties: { [name: string]: any };
}

/** Opens plugins.html with these plugins, each with its options, and this in the page. */
export async function openWith(
  { visitor, site }: { visitor: Visitor; site: Site },
  plugins: { [name: string]: object },
  html = '',
): Promise<Tab> {
  site.options = { ...site.options, plugins, html };
  const tab = await visitor.open(site.url('/plugins'));
  await ready(tab);
  return tab;
}

/** Waits until the page's tracker has its plugins. */
export async function ready(tab: Tab): Promise<void> {
  await expect.poll(() => tab.evaluate(() => !!harness.tracker).catch(() => false)).toBe(true);
}

/** Leaves the page for another site; what the page says then is in the database soon. */
export async function leave({ visitor, site }: { visitor: Visitor; site: Site }, tab: Tab): Promise<void> {
  const elsewhere = site.url('/elsewhere', '127.0.0.1');
  await tab.evaluate((url) => location.assign(url), elsewhere);
  await arrived(tab, elsewhere);
  await nextVisitWhereNeeded(visitor, tab, site);
}

/** What the database has, in the order of the source's numbers. */
export async function rowsOf(collector: TestCollector, ...names: string[]): Promise<PluginRow[]> {
  const rows = (await collector.rows()) as readonly CollectedRow[];
  return rows
    .filter(({ name }) => !names.length || names.includes(name))
    .sort((a, b) => (a.source === b.source ? a.seq - b.seq : 0))
    .map((row) => ({ ...row, properties: JSON.parse(row.properties) }));
}

/** Waits until the database has so many rows of a name, and no more, and returns them. */
export async function collected(collector: TestCollector, name: string, count: number): Promise<PluginRow[]> {
  await expect.poll(async () => (await rowsOf(collector, name)).length, { timeout: 20_000 }).toBe(count);
  return rowsOf(collector, name);
}
