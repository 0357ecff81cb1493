/**
 * `petrel/formats/cloudevents`: CloudEvents 1.0, as a JSON batch.
 * docs/formats.md has the mapping, field by field, and what is lost.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format
 * @packageDocumentation
 */
import { type Format, type FormatEvent, isoTime, timeOf } from './lib/format.js';
import { pack, written } from './lib/pack.js';

export type { EncodedEvents, Format, FormatEvent, FormatHead, RefusedEvent } from './lib/format.js';

/** "Consumers SHOULD accept events of 64 KiB at least": none of Petrel's comes near it. */
const MAX_EVENT_BYTES = 65_536;

/** The format has no limit; 1 MiB is what servers and gateways take unless told otherwise. */
const MAX_BODY_BYTES = 1_000_000;

/**
 * A batch of CloudEvents. `type` is `petrel.<category>.<name>`, `source` is `urn:petrel:<source>`, `data` has properties and
 * context, and who it was stands in the extension attributes `userid`, `groupid`, `anonymousid` and `sessionid`.
 *
 * The write key has no place in it: put what the receiver wants into the endpoint's URL, or into headers of a forwarding collector.
 */
export const cloudevents: Format = {
  name: 'cloudevents',
  encode: (events) =>
    pack(
      written(events, (event) => JSON.stringify(toCloudEvent(event))),
      'application/cloudevents-batch+json',
      { open: '[', separator: ',', close: ']', maxEventBytes: MAX_EVENT_BYTES, maxBodyBytes: MAX_BODY_BYTES },
    ),
};

function toCloudEvent(event: FormatEvent) {
  const { id, source, name, category, userId, groupId, anonymousId, sessionId, properties, context } = event;
  const time = isoTime(timeOf(event));
  return {
    specversion: '1.0',
    id,
    source: `urn:petrel:${encodeURIComponent(source)}`,
    type: `petrel.${category}.${name}`,
    ...(time && { time }),
    datacontenttype: 'application/json',
    // An attribute must not be empty, which is as good as absent.
    ...(userId && { userid: userId }),
    ...(groupId && { groupid: groupId }),
    ...(anonymousId && { anonymousid: anonymousId }),
    ...(sessionId && { sessionid: sessionId }),
    data: { properties, ...(context && { context }) },
  };
}
