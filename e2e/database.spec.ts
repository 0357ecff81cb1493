import { chromiumOnly, expect, networkIsBack, settled, test, track, trackAndStore } from './support/test.js';

test('a database that is deleted in the middle of a visit costs what was in it, and no event after', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  await settled(tab);

  await tab.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) {
      await new Promise((done, failed) => {
        const request = indexedDB.deleteDatabase(name!);
        request.onsuccess = done;
        request.onerror = failed;
      });
    }
  });
  for (let i = 0; i < 3; i++) names.push(...(await trackAndStore(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test.describe('storage that is cleared under a living page', () => {
  chromiumOnly('DevTools clears it there');

  test('costs no event that comes after', async ({ chromium, site, collector }) => {
    const tab = await chromium.open(site.url('/app'));
    const names = await trackAndStore(tab, 5);
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
    await settled(tab);

    const devtools = await chromium.devtools();
    await devtools.send('Storage.clearDataForOrigin', {
      origin: new URL(site.url('/')).origin,
      storageTypes: 'indexeddb',
    });
    for (let i = 0; i < 3; i++) names.push(...(await track(tab, 5)));

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  });
});

test('a site that clears its own data with Clear-Site-Data goes on: worker and database are made anew', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const names = await trackAndStore(tab, 5);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
  await settled(tab);

  site.answer('/log-out', { body: '<!doctype html>', headers: { 'clear-site-data': '"storage"' } });
  await tab.evaluate(async () => void (await fetch('/log-out')).text());
  names.push(...(await track(tab, 5)));
  await tab.goto(site.url('/app?again'));
  names.push(...(await trackAndStore(tab, 5)));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
});

test('an older worker that meets a newer database uses it as it is, and leaves what it does not know alone', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  await collector.down();
  const names = await trackAndStore(tab, 5);

  await tab.evaluate(
    () =>
      new Promise<void>((done, failed) => {
        const request = indexedDB.open('petrel', 7);
        request.onupgradeneeded = () => {
          request.result.createObjectStore('of the next release').put('kept', 'key');
        };
        request.onerror = failed;
        request.onsuccess = () => {
          request.result.close();
          done();
        };
      }),
  );
  names.push(...(await trackAndStore(tab, 5)));
  await collector.up();
  await networkIsBack(tab);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  await settled(tab);
  const kept = await tab.evaluate(
    () =>
      new Promise((done, failed) => {
        const request = indexedDB.open('petrel');
        request.onerror = failed;
        request.onsuccess = () => {
          const { result } = request;
          result.transaction('of the next release').objectStore('of the next release').get('key').onsuccess = (
            event,
          ) => {
            done([result.version, (event.target as IDBRequest).result]);
            result.close();
          };
        };
      }),
  );
  expect(kept).toEqual([7, 'kept']);
});

test('a record that is damaged is counted, missed by the ledger, and costs no other event', async ({
  visitor,
  site,
  collector,
}) => {
  const tab = await visitor.open(site.url('/app'));
  const first = await trackAndStore(tab, 1);
  await collector.expectExactlyOnce(first, { by: 'name', withinMs: 10_000 });
  await settled(tab);
  await collector.down();
  for (let i = 0; i < 3; i++) {
    first.push(...(await trackAndStore(tab, 10)));
    // Longer than the window of a message: each is a record of its own.
    await new Promise((done) => setTimeout(done, 150));
  }

  const damaged = await tab.evaluate(
    () =>
      new Promise<number>((done, failed) => {
        const request = indexedDB.open('petrel');
        request.onerror = failed;
        request.onsuccess = () => {
          const transaction = request.result.transaction('records', 'readwrite');
          let seen = 0;
          transaction.objectStore('records').openCursor().onsuccess = (event) => {
            const cursor = (event.target as IDBRequest<IDBCursorWithValue | null>).result;
            if (!cursor) return;
            if (++seen === 2) cursor.update({ rubbish: true });
            cursor.continue();
          };
          transaction.oncomplete = () => {
            request.result.close();
            done(seen);
          };
        };
      }),
  );
  expect(damaged).toBeGreaterThanOrEqual(3);
  await collector.up();
  await networkIsBack(tab);

  const rest = [...first.slice(0, 11), ...first.slice(21)];
  await collector.expectExactlyOnce(rest, { by: 'name', withinMs: 20_000 });
  expect(await settled(tab)).toMatchObject({
    accepted: 31,
    delivered: 21,
    dropped: 10,
    droppedByReason: { storage: 10 },
  });
  // Which numbers they had, nobody can read any more: the tracker cannot tell the collector, whose ledger rightly misses them.
  collector.untold = 10;
});

for (const { title, obstruct } of [
  {
    title: 'cannot be opened, because somebody else keeps it from being deleted,',
    obstruct: () => {
      const request = indexedDB.open('petrel');
      return new Promise<void>((done) => {
        request.onsuccess = () => {
          const { result } = request;
          Object.assign(globalThis, { obstacle: () => result.close() });
          // Not `blocked`: where a worker closes its connection at the same moment, Firefox often tells nobody.
          result.onversionchange = () => done();
          indexedDB.deleteDatabase('petrel');
        };
      });
    },
  },
  {
    title: 'never gets to the end of an operation',
    obstruct: () => {
      const request = indexedDB.open('petrel');
      return new Promise<void>((done) => {
        request.onsuccess = () => {
          const { result } = request;
          const names = [...result.objectStoreNames];
          const store = result.transaction(names, 'readwrite').objectStore(names[0]!);
          let held = true;
          Object.assign(globalThis, {
            obstacle: () => {
              held = false;
            },
          });
          // A transaction that always has one more request keeps all others waiting.
          const hold = () => {
            if (held) store.count().onsuccess = hold;
          };
          hold();
          done();
        };
      });
    },
  },
]) {
  test(`a database that ${title} hangs nothing: the page queues in memory, and delivers`, async ({
    visitor,
    site,
    collector,
  }) => {
    const tab = await visitor.open(site.url('/app'));
    const names = await trackAndStore(tab, 5);
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 10_000 });
    await settled(tab);

    await tab.evaluate(obstruct);
    names.push(...(await track(tab, 10)));

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 35_000 });
    await tab.evaluate(() => (globalThis as unknown as { obstacle(): void }).obstacle());
    names.push(...(await track(tab, 5)));
    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 20_000 });
  });
}
