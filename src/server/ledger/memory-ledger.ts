import type { SourceLedger } from '../../core/ledger.js';
import type { LedgerFacts, LedgerStore, TotalsRow } from './ledger.js';
import { addRow, recordFacts } from './record.js';

/** A ledger in memory, for ever: for tests, for the memory sink, and to add several up. */
export function createMemoryLedger(id: string = crypto.randomUUID()): LedgerStore & {
  /** As `record`, at once. */
  note(facts: LedgerFacts): void;
} {
  const sources = new Map<string, SourceLedger>();
  const totals = new Map<string, TotalsRow>();
  const note = (facts: LedgerFacts) =>
    recordFacts(
      {
        load: (source) => sources.get(source),
        save: (source, known) => void sources.set(source, known),
        add: (row) => addRow(totals, row),
      },
      facts,
      true,
    );
  return {
    id,
    note,
    async record(facts) {
      note(facts);
    },
    async sources(after, limit) {
      const names = [...sources.keys()].filter((name) => name > after).sort();
      return names.slice(0, limit).map((name) => [name, sources.get(name)!]);
    },
    source: async (source) => sources.get(source),
    totals: async () => [...totals.values()],
    async close() {},
  };
}
