import type { Ledger } from './ledger.js';
import type { LedgerEntries } from './route.js';

/**
 * Another collector's ledger, read over HTTP.
 *
 * @param url the collector's address, with or without `/ledger`
 * @throws Error when it cannot be read, with the collector's own words where it gave some
 */
export async function openRemoteLedger(url: string, token: string, fetch = globalThis.fetch): Promise<Ledger> {
  const base = new URL(url);
  if (!base.pathname.endsWith('/ledger')) base.pathname = `${base.pathname.replace(/\/$/, '')}/ledger`;

  async function get(query: { [parameter: string]: string }): Promise<LedgerEntries> {
    const address = new URL(base);
    for (const [parameter, value] of Object.entries(query)) address.searchParams.set(parameter, value);
    let response: Response;
    try {
      response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
    } catch (cause) {
      throw new Error(`${base.href} cannot be reached`, { cause });
    }
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) {
      const { message } = (body ?? {}) as { message?: unknown };
      throw new Error(`${base.href} answers ${response.status}${typeof message === 'string' ? `: ${message}` : ''}`);
    }
    const { ledger, entries } = (body ?? {}) as Partial<LedgerEntries>;
    if (typeof ledger !== 'string' || !Array.isArray(entries)) throw new Error(`${base.href} is not a ledger`);
    return body as LedgerEntries;
  }

  const { ledger: id } = await get({ by: 'entries', limit: '1' });
  return {
    id,
    sources: async (after, limit) => (await get({ by: 'entries', after, limit: String(limit) })).entries,
    source: async (source) => (await get({ by: 'entries', source })).entries[0]?.[1],
    totals: async () => (await get({ by: 'entries', limit: '1' })).totals ?? [],
  };
}
