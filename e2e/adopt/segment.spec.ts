import { expect, newNames, test } from '../support/test.js';

test('Segment’s calls arrive once, over one tracker that the page’s own import shares', async ({
  visitor,
  site,
  collector,
}) => {
  const [added = '', left = ''] = newNames(2);
  site.answer('/segment', {
    headers: { 'content-type': 'text/html' },
    body: `<!doctype html><title>segment</title><script src="/harness.js"></script><script type="module">
      import { AnalyticsBrowser } from '/petrel/compat/segment.js';
      import '/petrel/index.js';

      const { endpoint, key, ...petrel } = __OPTIONS__;
      const [analytics] = await AnalyticsBrowser.load({ writeKey: key, endpoint, petrel });
      await analytics.identify('u1', { plan: 'pro' });
      await analytics.page('Docs', 'Home');
      window.buy = () =>
        analytics.track('${added}', { sku: 'SW-04' }, { timestamp: new Date(1_000) }, () => {
          // As code written for Segment does: away, once the callback came.
          analytics.track('${left}');
          location.href = '/elsewhere';
        });
    </script>`,
  });
  const tab = await visitor.open(site.url('/segment'));
  await expect.poll(() => tab.evaluate(() => 'buy' in window)).toBe(true);

  await tab.evaluate(() => void (window as unknown as { buy(): void }).buy());

  await collector.expectExactlyOnce(['identify', 'page', added, left], { by: 'name', withinMs: 15_000 });

  const rows = await collector.rows();
  const row = (name: string) => rows.find((each) => each.name === name)!;
  expect(new Set(rows.map(({ source }) => source)).size).toBe(1);
  expect(row(added).timestamp).toBe(1_000);
  expect(JSON.parse(row(added).properties)).toEqual({ sku: 'SW-04' });
  expect(JSON.parse(row('page').properties)).toEqual({ name: 'Home', category: 'Docs' });
  expect(JSON.parse(row('identify').properties)).toEqual({ plan: 'pro' });
  expect(site.asked.filter((path) => path === '/petrel/index.js')).toHaveLength(1);
});
