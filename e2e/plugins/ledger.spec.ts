import type { LedgerPlugin } from '../../src/plugins/ledger.js';
import { expect, settled, test, track, trackAndStore } from '../support/test.js';
import { openWith } from './plugin-rows.js';

test('the tracker’s ledger says of each number what the collector’s table says', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { ledger: {} });
  const read = () => tab.evaluate(() => (harness.plugins.ledger as unknown as LedgerPlugin).read());
  await track(tab, 5);
  await settled(tab);
  await collector.down();
  await trackAndStore(tab, 3);
  await tab.evaluate(() => harness.tracker.track(''));

  const during = await read();
  await collector.up();
  await tab.evaluate(async () => {
    dispatchEvent(new Event('online'));
    await harness.tracker.flush();
  });
  await expect.poll(async () => (await read()).delivered).toEqual([[1, 8]]);

  const rows = await collector.rows();
  expect(during).toMatchObject({
    accepted: 8,
    delivered: [[1, 5]],
    stored: [[6, 8]],
    held: [],
    untold: [],
    refused: { invalid: 1 },
  });
  expect(rows.map(({ seq }) => seq).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(new Set(rows.map(({ source }) => source))).toEqual(new Set([during.source]));
});
