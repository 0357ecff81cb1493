import { describe, expect, it } from 'vitest';
import { createMemoryLedger } from '../../../src/server/ledger/memory-ledger.js';
import { mergeLedgers } from '../../../src/server/ledger/merge.js';
import { openRemoteLedger } from '../../../src/server/ledger/remote-ledger.js';
import { reportLedger } from '../../../src/server/ledger/report.js';
import type { ReceivedEvent } from '../../../src/server/sinks/sink.js';
import { AGE, LONG_AFTER, range, totalOf } from '../../contract/ledger.contract.js';
import { receivedEvent, SOURCE } from '../../contract/sink.contract.js';

function ledgerOf(events: ReceivedEvent[], repeated = 0) {
  const ledger = createMemoryLedger();
  ledger.note({ events, duplicates: [], drops: [], tails: [], repeated });
  return ledger;
}

describe('ledgers that are added up', () => {
  it('know what any of them knows', async () => {
    const a = ledgerOf(range(1, 10), 2);
    const b = ledgerOf([...range(8, 20), receivedEvent(1, { source: 'BBBBBBBBBB' })], 3);

    const total = await totalOf(mergeLedgers([a, b]));

    expect(total).toMatchObject({ sources: 2, accepted: 21, delivered: 21, missing: 0, repeated: 5 });
    expect(await totalOf(mergeLedgers([b, a, mergeLedgers([a])]))).toEqual(total);
    expect((await mergeLedgers([a, b]).source(SOURCE))!.delivered).toEqual([[1, 20]]);
    expect(await mergeLedgers([a, b]).source('nobody-at-all')).toBeUndefined();
  });

  it('are read in pages that leave out and double nothing', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `source-${String(i).padStart(3, '0')}`);
    const ledgers = [0, 1, 2].map((n) =>
      ledgerOf(names.filter((_, i) => i % 3 === n || i % 7 === 0).map((source) => receivedEvent(1, { source }))),
    );
    const merged = mergeLedgers(ledgers);

    const pages: string[][] = [];
    for (let after = ''; ; ) {
      const page = await merged.sources(after, 7);
      pages.push(page.map(([name]) => name));
      if (page.length < 7) break;
      after = page.at(-1)![0];
    }

    expect(pages.flat()).toEqual(names);
    expect((await reportLedger(merged, { now: LONG_AFTER, maxAgeMs: AGE })).total.sources).toBe(60);
  });
});

describe('a ledger that is read over HTTP', () => {
  const answering =
    (body: BodyInit, status = 200) =>
    async () =>
      new Response(body, { status });

  it.each([
    ['a page of HTML', answering('<html>'), /is not a ledger/],
    ['JSON of something else', answering('{"events":[]}'), /is not a ledger/],
    ['null', answering('null'), /is not a ledger/],
    ['an error without words', answering('', 502), /answers 502$/],
    ['a refusal', answering('{"message":"the ledger is read with …"}', 401), /answers 401: the ledger is read/],
    ['no network', () => Promise.reject(new TypeError('fetch failed')), /cannot be reached/],
  ])('says what it got: %s', async (_, fetch, said) => {
    await expect(
      openRemoteLedger('https://collect.example', 'token', fetch as typeof globalThis.fetch),
    ).rejects.toThrow(said);
  });

  it.each([
    ['https://collect.example', 'https://collect.example/ledger'],
    ['https://collect.example/events/', 'https://collect.example/events/ledger'],
    ['https://collect.example/ledger', 'https://collect.example/ledger'],
  ])('is looked for at the right place: %s', async (given, asked) => {
    const urls: string[] = [];
    const fetch = async (url: URL) => {
      urls.push(`${url.origin}${url.pathname}`);
      return Response.json({ ledger: 'x', entries: [] });
    };

    await openRemoteLedger(given, 'token', fetch as typeof globalThis.fetch);

    expect(urls).toEqual([asked]);
  });
});
