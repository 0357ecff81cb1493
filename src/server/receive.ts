import type { WireAnswer } from '../core/wire.js';
import { addressOf, senderOf } from './address.js';
import { type ReadingBudget, readBytes } from './decode.js';
import type { DecodedBody } from './decoders/decoder.js';
import { decoderFor } from './decoders/index.js';
import { isPetrelBody, petrelDecoder } from './decoders/petrel.js';
import type { Intake } from './intake.js';
import type { CheckedOptions } from './options.js';
import { addContext, anonymise, asksForPrivacy, type PlacedEvents, visibleAddress } from './privacy.js';
import type { RateLimiter } from './rate-limit.js';
import { Refusal } from './refusal.js';
import type { ClientInfo, RequestRecord } from './request-record.js';
import { checkKey } from './secrets.js';
import type { ReceivedEvent } from './sinks/sink.js';

/** What requests are measured by: the options of the moment. A request keeps those it began with. */
export interface Rules extends Pick<CheckedOptions, 'keys' | 'limits' | 'privacy' | 'trustProxy' | 'formats'> {
  perAddress?: RateLimiter;
  perKey?: RateLimiter;
}

/** A post's way from body to answer. */
export interface Receiver {
  /**
   * Resolves when everything in the body is stored or rejected, with the answer in the body's format. Adds to the record what becomes
   * known on the way.
   * @throws what {@link refusalOf} makes an answer of
   */
  receive(request: Request, client: ClientInfo | undefined, rules: Rules, record: RequestRecord): Promise<object>;
}

export function createReceiver({
  intake,
  reading,
  now,
}: {
  intake: Intake;
  reading: ReadingBudget;
  now: () => number;
}) {
  return {
    async receive(request, client, rules, record) {
      const receivedAt = now();
      const { keys, limits, privacy } = rules;
      const address = addressOf(request.headers, client, rules.trustProxy);
      const isPrivate = asksForPrivacy(request.headers, privacy);
      const ip = visibleAddress(address, privacy, isPrivate);
      if (ip !== undefined) record.address = ip;
      if (address !== undefined) limitRate(rules.perAddress, senderOf(address), 1, 'requests from this address');

      let decoder = decoderFor(request, rules.formats);
      const bytes = await readBytes(request, limits, reading, decoder.contentType);
      const body = decoder.parse(bytes, request.headers);
      // A tracker's endpoint may have any path.
      if (isPetrelBody(body)) decoder = petrelDecoder;
      const key = decoder.keyOf(body, request);
      // Before the body is expanded: who has no key causes no work.
      if (keys) {
        checkKey(key, keys);
        record.key = key as string;
      }
      const expanded = await decoder.expand(body, { request, limits, receivedAt });
      const { batchId, drops = [], carried, tails = [] } = expanded.head;
      if (expanded.events.length > 0) {
        limitRate(rules.perKey, String(key ?? ''), expanded.events.length, 'events with this write key');
      }
      const all = place(expanded, key, receivedAt);
      const { kept, rejected } = isPrivate ? anonymise(all) : { kept: all, rejected: [] };
      if (ip !== undefined) addContext(kept.events, { ip });

      const [receipt, has] = await Promise.all([
        intake.take(kept.events, kept.sizes, kept.positions),
        carried && intake.has(carried),
        intake.takeNotes(
          drops.map((drop) => ({ ...drop, receivedAt })),
          tails.map(([source, last, closed]) => ({ source, last, closed: closed === 1, receivedAt })),
        ),
      ]);
      const answer: WireAnswer = {
        ...(batchId && { batchId }),
        accepted: receipt.accepted,
        duplicates: receipt.duplicates,
        rejected: [...expanded.rejected, ...rejected, ...receipt.rejected],
        ...(has && { has }),
        serverTime: now(),
      };
      record.accepted = answer.accepted;
      record.duplicates = answer.duplicates;
      record.rejected = answer.rejected.length;
      return decoder.answer(answer);
    },
  } satisfies Receiver;
}

function limitRate(limiter: RateLimiter | undefined, sender: string, amount: number, what: string): void {
  const retryAfterMs = limiter?.take(sender, amount) ?? 0;
  if (retryAfterMs > 0) throw new Refusal('rate-limited', `too many ${what}`, { retryAfterMs });
}

/** The events as sinks get them, each with its place in the request. */
function place({ head, events, sizes, rejected }: DecodedBody, key: unknown, receivedAt: number): PlacedEvents {
  const { sentAt = receivedAt, batchId, sdk } = head;
  // Completed in place: nobody else has them, and copies of every event were a tenth of the collector's time.
  const received = events as ReceivedEvent[];
  for (const event of received) {
    event.receivedAt = receivedAt;
    event.sentAt ??= sentAt;
    if (batchId) event.batchId = batchId;
    if (sdk !== undefined) event.sdk = sdk;
    if (typeof key === 'string') event.key = key;
  }
  // Those that are not among the rejected, in order.
  const positions: number[] = [];
  let next = 0;
  for (let position = 0; positions.length < events.length; position++) {
    if (rejected[next]?.index === position) next++;
    else positions.push(position);
  }
  return { events: received, sizes, positions };
}
