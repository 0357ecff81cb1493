import { mergeSources, type SourceLedger } from '../../core/ledger.js';
import type { Ledger } from './ledger.js';

/**
 * Several collectors' ledgers as one: what any of them knows of a source is known. A ledger that is given twice counts once.
 * Reads page by page, so memory does not grow with the number of sources.
 */
export function mergeLedgers(ledgers: readonly Ledger[]): Ledger {
  const distinct = [...new Map(ledgers.map((ledger) => [ledger.id, ledger])).values()];
  return {
    id: distinct.map(({ id }) => id).join(' '),
    async sources(after, limit) {
      const known = new Map<string, SourceLedger>();
      for (const page of await Promise.all(distinct.map((ledger) => ledger.sources(after, limit)))) {
        for (const [source, more] of page) {
          const before = known.get(source);
          known.set(source, before ? mergeSources(before, more) : more);
        }
      }
      // The first of all are among the first of each.
      return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit);
    },
    async source(source) {
      const found = (await Promise.all(distinct.map((ledger) => ledger.source(source)))).filter((known) => !!known);
      return found.length === 0 ? undefined : found.reduce(mergeSources);
    },
    totals: async () => (await Promise.all(distinct.map((ledger) => ledger.totals()))).flat(),
  };
}
