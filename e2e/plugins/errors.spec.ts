import { expect, test } from '../support/test.js';
import { collected, leave, openWith, rowsOf } from './plugin-rows.js';

/** The pages are to complain in these stories: about this, and nothing else. */
const expectComplaints = (visitor: { complaints: string[] }, about: RegExp) => {
  expect(visitor.complaints.filter((complaint) => !about.test(complaint))).toEqual([]);
  visitor.complaints.length = 0;
};

test('uncaught errors and unhandled rejections are recorded once, with how often they came again', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await openWith({ visitor, site }, { errors: {} });

  await tab.evaluate(async () => {
    const fail = () => {
      throw new TypeError('planned failure of https://a.example/?token=secret');
    };
    for (let i = 0; i < 5; i++) setTimeout(fail);
    void Promise.reject(new RangeError('planned rejection', { cause: new Error('planned cause') }));
    void Promise.reject({ status: 500, iban: 'DE00' });
    await new Promise((done) => setTimeout(done, 100));
  });
  const rows = await collected(collector, 'Error', 3);
  await leave({ visitor, site }, tab);
  const repeated = (await collected(collector, 'Error', 4))[3];

  const bySort = new Map(rows.map((row) => [`${row.properties.kind} ${row.properties.type}`, row]));
  expect(bySort.get('error TypeError')).toMatchObject({
    category: 'error',
    properties: {
      message: 'planned failure of https://a.example/',
      stack: expect.stringContaining('fail'),
      line: expect.any(Number),
    },
  });
  expect(bySort.get('rejection RangeError')?.properties).toMatchObject({
    message: 'planned rejection',
    cause: 'Error: planned cause',
  });
  expect(bySort.get('rejection object')?.properties.message).toBe('an object with status, iban');
  expect(repeated?.properties).toMatchObject({ type: 'TypeError', repeats: 4 });
  expect(repeated?.properties).not.toHaveProperty('stack');
  expect(JSON.stringify(await rowsOf(collector))).not.toMatch(/secret|DE00/);
  expectComplaints(visitor, /planned|\[object Object\]|^(uncaught exception: )?Object$|status/);
});

test('a script of another origin whose errors are hidden is recorded as such, resources are not', async ({
  visitor,
  site,
  collector,
}) => {
  test.skip(visitor.engine === 'firefox', 'of a script that its driver adds it hides nothing');
  site.answer('/thrower.js', { body: 'setTimeout(() => { throw new Error("planned, and hidden"); });' });
  const tab = await openWith({ visitor, site }, { errors: {} });

  await tab.evaluate(
    (url) => {
      document.body.append(Object.assign(document.createElement('script'), { src: url }));
      document.body.append(Object.assign(document.createElement('img'), { src: '/no-such.png' }));
    },
    site.url('/thrower.js', '127.0.0.1'),
  );

  const [row] = await collected(collector, 'Error', 1);
  expect(row?.properties).toEqual({ kind: 'error', type: 'Error', message: 'Script error.', crossOrigin: true });
  expectComplaints(visitor, /planned|Script error/);
});

test('a flood of errors is told as its first ten and a number', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { errors: {} });

  await tab.evaluate(async () => {
    for (let i = 0; i < 300; i++) {
      setTimeout(() => {
        throw new Error(`planned ${i}`);
      });
    }
    await new Promise((done) => setTimeout(done, 300));
  });
  await leave({ visitor, site }, tab);

  const [suppressed] = await collected(collector, 'Errors Suppressed', 1);
  expect(suppressed?.properties).toEqual({ count: 290 });
  await collected(collector, 'Error', 10);
  expectComplaints(visitor, /planned/);
});

test('errors that the recording of errors causes end by themselves', async ({ visitor, site, collector }) => {
  const tab = await openWith({ visitor, site }, { errors: {} });

  await tab.evaluate(async () => {
    harness.tracker.on('event', () => {
      reportError(new Error(`planned while telling ${Math.random()}`));
      void Promise.reject(new Error(`planned for later ${Math.random()}`));
      throw new Error('planned in a listener');
    });
    setTimeout(() => {
      throw new Error('planned');
    });
    await new Promise((done) => setTimeout(done, 300));
  });
  await leave({ visitor, site }, tab);

  const rows = await collected(collector, 'Error', 10);
  // Once for each of the two events that say that the page is left.
  await expect.poll(async () => (await rowsOf(collector, 'Errors Suppressed')).length).toBeGreaterThanOrEqual(1);
  expect(rows[0]?.properties.message).toBe('planned');
  expectComplaints(visitor, /planned/);
});
