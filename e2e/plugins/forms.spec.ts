import { expect, test } from '../support/test.js';
import { collected, leave, openWith, rowsOf } from './plugin-rows.js';

const FORM = `
  <form id="signup" name="sign-up" action="/elsewhere" onsubmit="event.preventDefault()">
    <input name="id" id="a" />
    <input name="name" />
    <input name="card" autocomplete="section-x cc-number" />
    <input name="secret" type="password" />
    <input name="note" data-petrel-ignore />
    <button name="go" value="1">go</button>
  </form>`;

/** Enters something as its user would; runs in the page. */
const enter = (name: string) => {
  const field = document.querySelector<HTMLInputElement>(`[name="${name}"]`)!;
  field.value = 'Ada Lovelace';
  field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
  field.dispatchEvent(new Event('change', { bubbles: true }));
};

test('a form is recorded when it is begun and when it is submitted, without a value', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { forms: {} }, FORM);

  await tab.evaluate(enter, 'id');
  await tab.evaluate(enter, 'name');
  await tab.evaluate(enter, 'name');
  await tab.click('[name=go]');
  await tab.evaluate(() => document.querySelector('form')!.requestSubmit());

  const [started] = await collected(collector, 'Form Started', 1);
  const [clicked, requested] = await collected(collector, 'Form Submitted', 2);
  // Fields named `id` and `name` hide those of the form itself.
  expect(started?.properties).toEqual({ formId: 'signup', formName: 'sign-up', field: 'id' });
  expect(clicked?.properties).toEqual({
    formId: 'signup',
    formName: 'sign-up',
    fieldsTouched: 2,
    durationMs: expect.any(Number),
    submitter: 'go',
  });
  expect(requested?.properties).toEqual({ formId: 'signup', formName: 'sign-up' });
  expect(JSON.stringify(await rowsOf(collector))).not.toContain('Lovelace');
});

test('passwords, cards and what asks to be ignored are as if they were not there', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { forms: {} }, FORM);

  for (const name of ['card', 'secret', 'note']) await tab.evaluate(enter, name);
  await tab.click('[name=go]');

  const [submitted] = await collected(collector, 'Form Submitted', 1);
  expect(submitted?.properties).toEqual({ formId: 'signup', formName: 'sign-up', submitter: 'go' });
  expect(await rowsOf(collector)).toHaveLength(1);
});

test('a form that was begun and not submitted is abandoned when the page is left', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { forms: {} }, FORM);

  await tab.evaluate(enter, 'id');
  await tab.evaluate(enter, 'name');
  await tab.evaluate(enter, 'secret');
  await leave({ visitor, site }, tab);

  const [abandoned] = await collected(collector, 'Form Abandoned', 1);
  expect(abandoned?.properties).toMatchObject({ formId: 'signup', field: 'name', fieldsTouched: 2 });
});

test('a form that is gone after a change of the route is abandoned, one that stays is not', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith(
    { visitor, site },
    { forms: {} },
    `<form id="wizard"><input name="one" /></form><form id="checkout"><input name="two" /></form>`,
  );

  await tab.evaluate(enter, 'one');
  await tab.evaluate(enter, 'two');
  await tab.evaluate(() => {
    history.pushState(null, '', '/plugins/next');
    document.querySelector('#checkout')!.remove();
  });

  const [abandoned] = await collected(collector, 'Form Abandoned', 1);
  expect(abandoned?.properties).toMatchObject({ formId: 'checkout', field: 'two' });
});

test('a form in a shadow tree is recorded as others are', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { forms: {} }, '<div id="host"></div>');

  await tab.evaluate(() => {
    const root = document.querySelector('#host')!.attachShadow({ mode: 'open' });
    root.innerHTML = '<form id="shadow" onsubmit="event.preventDefault()"><input name="one" /></form>';
    root.querySelector('input')!.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
    root.querySelector('form')!.requestSubmit();
  });
  await leave({ visitor, site }, tab);

  await collected(collector, 'Form Started', 1);
  const [submitted] = await collected(collector, 'Form Submitted', 1);
  expect(submitted?.properties).toMatchObject({ formId: 'shadow', fieldsTouched: 1 });
  expect(await rowsOf(collector, 'Form Abandoned')).toEqual([]);
});
