import type { ChromiumTab } from '../support/chromium.js';
import { arrived, chromiumOnly, expect, test } from '../support/test.js';
import { collected, openWith, rowsOf } from './plugin-rows.js';

test('an outbound link is recorded before the browser follows it', async ({ visitor, site, collector }) => {
  const away = site.url('/elsewhere', '127.0.0.1');
  const tab = await openWith({ visitor, site }, { links: {} }, `<a id="away" href="${away}?token=1#x">away</a>`);

  await tab.click('#away');
  await arrived(tab, `${away}?token=1#x`);

  const [row] = await collected(collector, 'Outbound Link Clicked', 1);
  expect(row).toMatchObject({ category: 'interaction' });
  expect(row?.properties).toEqual({ url: away, host: new URL(away).host, linkId: 'away', newTab: false });
});

test('links within the site, and what is no link, are not recorded; downloads are', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith(
    { visitor, site },
    { links: { ownHosts: ['example.org'] } },
    `<a id="own" href="/elsewhere">own</a>
     <a id="sub" href="https://www.example.org/">own too</a>
     <a id="file" href="/files/Price%20List.PDF?v=2">list</a>
     <a id="blob" download="notes.txt">notes</a>
     <a id="ignored" data-petrel-ignore href="https://other.example/">secret</a>
     <a id="mail" href="mailto:a@b.example">mail</a>
     <a id="script" href="javascript:void 0">script</a>
     <a id="none">no address</a>`,
  );

  await tab.evaluate(() => {
    const blob = document.querySelector<HTMLAnchorElement>('#blob')!;
    blob.href = URL.createObjectURL(new Blob(['text']));
    // The browser is not to follow them.
    addEventListener('click', (event) => event.preventDefault());
    for (const link of document.querySelectorAll<HTMLElement>('#content a')) link.click();
  });

  const rows = await collected(collector, 'File Downloaded', 2);
  expect(rows.map(({ properties }) => properties)).toEqual([
    {
      url: site.url('/files/Price%20List.PDF'),
      host: new URL(site.url('/')).host,
      linkId: 'file',
      newTab: false,
      fileName: 'Price List.PDF',
      extension: 'pdf',
    },
    { url: 'blob:', host: '', linkId: 'blob', newTab: false, fileName: 'notes.txt', extension: 'txt' },
  ]);
  expect(await rowsOf(collector, 'Outbound Link Clicked')).toEqual([]);
});

test.describe('by other ways', () => {
  chromiumOnly('needs other buttons and keys than the drivers of the others press');

  test('the middle button, the keyboard, SVG, image maps and shadow trees open links too', async ({
    visitor,
    site,
    collector,
  }) => {
    const tab = await openWith(
      { visitor, site },
      { links: {} },
      `<a id="middle" href="https://middle.example/">middle</a>
       <a id="key" href="https://key.example/">key</a>
       <a id="blank" target="_blank" href="https://blank.example/"><b>blank</b></a>
       <svg width="80" height="20"><a id="svg" href="https://svg.example/"><text y="15">svg</text></a>
         <a id="xlink" xlink:href="https://xlink.example/"><text x="40" y="15">xlink</text></a></svg>
       <map name="m"><area id="area" shape="rect" coords="0,0,50,50" href="https://area.example/" /></map>
       <img usemap="#m" width="50" height="50" alt="" />
       <div id="host"></div>`,
    );
    const { page } = tab as ChromiumTab;
    await page.route(/\.example\//, (route) => route.abort());
    await page.evaluate(() => {
      const root = document.querySelector('#host')!.attachShadow({ mode: 'open' });
      root.innerHTML = '<a id="shadow" href="https://shadow.example/"><span>in the shadow</span></a>';
      // After the plugin, which is on the way down: links are told, and the page stays.
      addEventListener('click', (event) => event.preventDefault());
    });

    await page.click('#middle', { button: 'middle' });
    await page.click('#middle', { button: 'right' });
    await page.focus('#key');
    await page.keyboard.press('Enter');
    await page.click('#blank b');
    await page.click('#svg');
    await page.click('#xlink');
    await page.click('img');
    await page.click('#host span');

    const rows = await collected(collector, 'Outbound Link Clicked', 7);
    expect(rows.map(({ properties }) => `${properties.host} ${properties.newTab}`)).toEqual([
      'middle.example true',
      'key.example false',
      'blank.example true',
      'svg.example false',
      'xlink.example false',
      'area.example false',
      'shadow.example false',
    ]);
  });
});
