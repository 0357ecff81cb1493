import { PetrelError } from '../core/errors.js';
import { show } from '../core/options.js';
import type { RejectedEvent } from '../core/wire-expand.js';
import { truncateAddress } from './address.js';
import type { ReceivedEvent } from './sinks/sink.js';

/** What is kept of what a request tells about its sender. */
export interface PrivacyOptions {
  /**
   * The sender's address: `drop`: not kept, and in no log. `truncate`: its network (IPv4 /24, IPv6 /48) as `context.ip`.
   * `keep`: all of it.
   * @defaultValue 'drop'
   */
  ip?: 'drop' | 'truncate' | 'keep';
  /**
   * Requests with `Sec-GPC: 1` (Global Privacy Control). `anonymous`: events are stored without user, browser, session and address,
   * with `context.gpc`; `identify` events are rejected as `consent`. `ignore`: as all others; for sites whose trackers have
   * `gpc: 'ignore'` because the law allows them to.
   * @defaultValue 'anonymous'
   * @see https://www.w3.org/TR/gpc/
   */
  gpc?: 'anonymous' | 'ignore';
}

const CHOICES: { readonly [name in keyof PrivacyOptions]: readonly string[] } = {
  ip: ['drop', 'truncate', 'keep'],
  gpc: ['anonymous', 'ignore'],
};

/** @throws PetrelError `invalid-option` */
export function checkPrivacy(given: PrivacyOptions): Required<PrivacyOptions> {
  if (typeof given !== 'object' || given === null) {
    throw new PetrelError('invalid-option', `\`privacy\` must be an object, not ${show(given)}`);
  }
  for (const [name, value] of Object.entries(given)) {
    const choices = Object.hasOwn(CHOICES, name) && CHOICES[name as keyof PrivacyOptions];
    if (!choices) throw new PetrelError('invalid-option', `\`privacy.${name}\` is not an option`);
    if (value !== undefined && !choices.includes(value)) {
      throw new PetrelError(
        'invalid-option',
        `\`privacy.${name}\` must be ${choices.join(' or ')}, not ${show(value)}`,
      );
    }
  }
  return { ip: given.ip ?? 'drop', gpc: given.gpc ?? 'anonymous' };
}

/** Whether the sender asks not to be told apart from others, and is to be heard. */
export function asksForPrivacy(headers: Headers, { gpc }: Required<PrivacyOptions>): boolean {
  return gpc === 'anonymous' && headers.get('sec-gpc')?.trim() === '1';
}

/** What may be known of an address. */
export function visibleAddress(
  address: string | undefined,
  { ip }: Required<PrivacyOptions>,
  isPrivate: boolean,
): string | undefined {
  if (address === undefined || ip === 'drop' || isPrivate) return undefined;
  return ip === 'keep' ? address.slice(0, 64) : truncateAddress(address);
}

/** Events of one request, each with its place in it. */
export interface PlacedEvents {
  events: ReceivedEvent[];
  sizes: number[];
  positions: number[];
}

/** The events without who they are from, changed in place, and those that are about nothing else. */
export function anonymise({ events, sizes, positions }: PlacedEvents): {
  kept: PlacedEvents;
  rejected: (Omit<RejectedEvent, 'reason'> & { reason: string })[];
} {
  const kept: PlacedEvents = { events: [], sizes: [], positions: [] };
  const rejected: ReturnType<typeof anonymise>['rejected'] = [];
  events.forEach((event, i) => {
    if (event.category === 'identify') {
      rejected.push({ index: positions[i]!, id: event.id, reason: 'consent' });
      return;
    }
    delete event.userId;
    delete event.anonymousId;
    delete event.sessionId;
    kept.events.push(event);
    kept.sizes.push(sizes[i]!);
    kept.positions.push(positions[i]!);
  });
  addContext(kept.events, { gpc: true });
  return { kept, rejected };
}

/** Puts something into the context of all events; those that shared one share the new one too. */
export function addContext(events: readonly ReceivedEvent[], more: { [key: string]: string | boolean }): void {
  const contexts = new Map<ReceivedEvent['context'], ReceivedEvent['context']>();
  for (const event of events) {
    let context = contexts.get(event.context);
    if (!context) {
      context = { ...event.context, ...more };
      contexts.set(event.context, context);
    }
    event.context = context;
  }
}
