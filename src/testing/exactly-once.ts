import type { RecordedRequest } from './request-record.js';

/** What a test needs of a stored event; a database row may have more. */
export interface StoredRow {
  id: string;
  name: string;
}

/** What became of the expected events. */
export interface DeliveryDiff {
  expected: number;
  /** Expected, and not in the database. */
  lost: string[];
  /** In the database more than once. */
  doubled: { key: string; ids: string[] }[];
  /** Nothing lost, nothing doubled. */
  exact: boolean;
  /** The same for people: what is wrong, and each lost event's way over the wire. */
  text: string;
}

/** Most events written out one by one; a run of thousands lost has one cause, seen in the first. */
const SHOWN = 10;

/**
 * Compares what should be stored with what is.
 *
 * @param by - `id`: expected are event ids. `name`: expected are names, each used once; finds an event that was stored
 * under two ids, which a database with the id as primary key would never show.
 */
export function diffDelivery(
  expected: readonly string[],
  rows: readonly StoredRow[],
  requests: readonly RecordedRequest[],
  by: 'id' | 'name',
): DeliveryDiff {
  const stored = new Map<string, string[]>();
  for (const row of rows) {
    const ids = stored.get(row[by]);
    if (ids) ids.push(row.id);
    else stored.set(row[by], [row.id]);
  }
  const wanted = [...new Set(expected)];
  const lost = wanted.filter((key) => !stored.has(key));
  const doubled = wanted.flatMap((key) => {
    const ids = stored.get(key) ?? [];
    return ids.length > 1 ? [{ key, ids }] : [];
  });
  const exact = lost.length === 0 && doubled.length === 0;
  return { expected: wanted.length, lost, doubled, exact, text: exact ? allThere(wanted.length) : tell() };

  function tell(): string {
    const lines = [
      `${wanted.length} events expected once each: ${lost.length} lost, ${doubled.length} doubled (${rows.length} rows, ${requests.length} requests).`,
    ];
    for (const key of lost.slice(0, SHOWN)) lines.push(`  lost     ${key}: ${wayOf(key)}`);
    if (lost.length > SHOWN) lines.push(`  lost     … and ${lost.length - SHOWN} more, the last ${lost.at(-1)}`);
    for (const { key, ids } of doubled.slice(0, SHOWN)) {
      lines.push(`  doubled  ${key}: ${ids.length} rows, ids ${ids.join(', ')}; ${wayOf(key)}`);
    }
    if (doubled.length > SHOWN) lines.push(`  doubled  … and ${doubled.length - SHOWN} more`);
    return lines.join('\n');
  }

  function wayOf(key: string): string {
    const carriers = requests.filter((request) => (by === 'id' ? request.ids : request.names).includes(key));
    if (carriers.length === 0) return 'never on the wire';
    return `on the wire ${carriers.length} times: ${carriers.map(tellRequest).join('; ')}`;
  }
}

/** One request in one line, as in the log of {@link diffDelivery}. */
export function tellRequest(request: RecordedRequest): string {
  const what = [
    `#${request.number}`,
    request.form,
    request.batchId && `batch ${request.batchId.slice(0, 6)}`,
    request.attempt && `attempt ${request.attempt}`,
    `${request.ids.length} events`,
    `→ ${request.status ?? 'no answer'}`,
    request.stored ? 'stored' : 'not stored',
    request.rejected?.length && `${request.rejected.length} rejected`,
    request.aborted && 'client gone',
    request.faults.length > 0 && `(${request.faults.join(', ')})`,
  ];
  return what.filter(Boolean).join(' ');
}

function allThere(count: number): string {
  return `${count} events, each stored once.`;
}
