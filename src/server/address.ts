import type { ClientInfo } from './request-record.js';

/**
 * The address a request came from, as far as it can be believed.
 *
 * Each proxy adds the address it was called from at the end of `X-Forwarded-For`; what stands before the entries of one's own proxies
 * anybody can have written. A request with fewer entries than there are proxies came past them.
 */
export function addressOf(headers: Headers, client: ClientInfo | undefined, proxies: number): string | undefined {
  if (proxies > 0) {
    const entries = headers.get('x-forwarded-for')?.split(',') ?? [];
    const entry = entries.at(-proxies)?.trim();
    // Some proxies add the port.
    if (entry) return entry.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');
  }
  // Hosts that hand their handlers something else as a second argument mean nothing by it.
  return typeof client?.address === 'string' ? client.address : undefined;
}

/** The eight groups of an IPv6 address, or the four bytes of an IPv4 address, also of one written as IPv6; undefined for neither. */
function partsOf(address: string): number[] | undefined {
  const text = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : undefined;
  }
  if (!text.includes(':') || !URL.canParse(`http://[${text}]/`)) return undefined;
  // The URL's parser writes it in the one short form.
  const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::');
  const groups = (part: string | undefined) => (part ? part.split(':').map((group) => Number.parseInt(group, 16)) : []);
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...new Array(8 - before.length - after.length).fill(0), ...after];
  const isMapped = all.slice(0, 5).every((group) => group === 0) && all[5] === 0xffff;
  return isMapped ? [all[6] >> 8, all[6] & 255, all[7] >> 8, all[7] & 255] : all;
}

/**
 * What counts as one sender: an IPv4 address, or the /64 that an IPv6 host can choose its addresses from.
 * Text that is no address is one sender too.
 */
export function senderOf(address: string): string {
  const parts = partsOf(address);
  if (!parts) return address.slice(0, 64);
  return parts.length === 4 ? parts.join('.') : `${hex(parts.slice(0, 4))}::`;
}

/** The address without its last part: IPv4 to /24, IPv6 to /48. Undefined for what is no address. */
export function truncateAddress(address: string): string | undefined {
  const parts = partsOf(address);
  if (!parts) return undefined;
  return parts.length === 4 ? [...parts.slice(0, 3), 0].join('.') : `${hex(parts.slice(0, 3))}::`;
}

const hex = (groups: number[]) => groups.map((group) => group.toString(16)).join(':');
