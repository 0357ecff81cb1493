import { arrived, expect, nextVisitWhereNeeded, test } from '../support/test.js';
import { collected, openWith, rowsOf } from './plugin-rows.js';

test('a click is recorded under the name and with the properties that the markup gives', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith(
    { visitor, site },
    { clicks: {} },
    `<section data-petrel-section="pricing" data-petrel-plan="none">
       <button id="choose" data-petrel-event="Plan Chosen" data-petrel-plan="pro" data-petrel-seat-count="3">
         <b id="text">Choose for Ada Lovelace</b></button>
       <button id="plain">says nothing</button>
       <p data-petrel-ignore><button id="ignored" data-petrel-event="Never">secret</button></p>
     </section>`,
  );

  await tab.click('#text');
  await tab.click('#plain');
  await tab.click('#ignored');

  const [row] = await collected(collector, 'Plan Chosen', 1);
  expect(row).toMatchObject({ category: 'interaction' });
  expect(row?.properties).toEqual({ plan: 'pro', seatCount: '3', section: 'pricing' });
  expect(await rowsOf(collector)).toHaveLength(1);
});

test('a click on what the selector names is recorded without its text, also in a shadow tree', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith(
    { visitor, site },
    { clicks: { selector: 'button, a' } },
    `<a id="link" href="/elsewhere?secret=1#x">to Ada's account</a><div id="host"></div>`,
  );
  await tab.evaluate(() => {
    const root = document.querySelector('#host')!.attachShadow({ mode: 'open' });
    root.innerHTML = '<button name="buy" role="switch"><i>Ada</i></button>';
    addEventListener('click', (event) => event.preventDefault());
    document.querySelector<HTMLElement>('#link')!.click();
    root.querySelector('i')!.click();
  });

  const rows = await collected(collector, 'Element Clicked', 2);
  expect(rows.map(({ properties }) => properties)).toEqual([
    { tag: 'a', id: 'link', href: '/elsewhere' },
    { tag: 'button', name: 'buy', role: 'switch' },
  ]);
});

test('a click that leaves the page at once is recorded', async ({ visitor, site, collector }) => {
  const away = site.url('/elsewhere', '127.0.0.1');
  const tab = await openWith(
    { visitor, site },
    { clicks: {} },
    `<button id="go" data-petrel-event="Left" onclick="location.href = '${away}'">go</button>`,
  );

  await tab.click('#go');
  await arrived(tab, away);
  await nextVisitWhereNeeded(visitor, tab, site);

  await collected(collector, 'Left', 1);
});
