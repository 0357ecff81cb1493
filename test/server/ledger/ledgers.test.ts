import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryLedger } from '../../../src/server/ledger/memory-ledger.js';
import { createMemorySink } from '../../../src/server/sinks/memory.js';
import { createSqliteLedger, createSqliteSink } from '../../../src/server/sinks/sqlite.js';
import { type LedgerFixture, ledgerContract } from '../../contract/ledger.contract.js';

ledgerContract('the memory sink', async (): Promise<LedgerFixture> => {
  const sink = createMemorySink();
  return {
    sink,
    ledger: sink.ledger!,
    write: (events, drops = [], tails = [], repeated = 0) => sink.write(events, drops, { tails, repeated }),
    dispose: () => sink.close(),
  };
});

ledgerContract('the SQLite sink', async (): Promise<LedgerFixture> => {
  const folder = mkdtempSync(join(tmpdir(), 'petrel-ledger-'));
  const path = join(folder, 'events.db');
  const sinks = [await createSqliteSink({ path })];
  const [sink] = sinks as [(typeof sinks)[0]];
  return {
    sink,
    ledger: sink.ledger,
    write: (events, drops = [], tails = [], repeated = 0) => sink.write(events, drops, { tails, repeated }),
    async again() {
      const next = await createSqliteSink({ path });
      sinks.push(next);
      return next.ledger;
    },
    async dispose() {
      for (const one of sinks) await one.close();
      rmSync(folder, { recursive: true });
    },
  };
});

ledgerContract('a SQLite ledger beside a sink', async (): Promise<LedgerFixture> => {
  const folder = mkdtempSync(join(tmpdir(), 'petrel-ledger-'));
  const path = join(folder, 'ledger.db');
  const { ledger: _, ...sink } = createMemorySink();
  const ledgers = [await createSqliteLedger({ path })];
  const [ledger] = ledgers as [(typeof ledgers)[0]];
  return {
    sink,
    ledger,
    async write(events, drops = [], tails = [], repeated = 0) {
      const { duplicates } = await sink.write(events, drops);
      await ledger.record({ events, duplicates, drops, tails, repeated });
    },
    async again() {
      const next = await createSqliteLedger({ path });
      ledgers.push(next);
      return next;
    },
    async dispose() {
      for (const one of ledgers) await one.close();
      rmSync(folder, { recursive: true });
    },
  };
});

ledgerContract('a memory ledger beside a sink', async (): Promise<LedgerFixture> => {
  const { ledger: _, ...sink } = createMemorySink();
  const ledger = createMemoryLedger();
  return {
    sink,
    ledger,
    async write(events, drops = [], tails = [], repeated = 0) {
      const { duplicates } = await sink.write(events, drops);
      await ledger.record({ events, duplicates, drops, tails, repeated });
    },
    dispose: () => ledger.close(),
  };
});
