import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WireAnswer } from '../core/wire.js';
import type { CollectorHandler } from './collector-behind.js';
import { requestOf } from './collector-behind.js';
import type { Fault } from './faults.js';
import type { ReadBody, RecordedRequest } from './request-record.js';
import { idsOf, readBody, withoutEvents } from './request-record.js';

/** A request, and what it is met with. */
export interface Meeting {
  /** Those in force for it. */
  faults: readonly Fault[];
  /** What became of it is written here. */
  request: RecordedRequest;
  bytes: Buffer<ArrayBuffer>;
  req: IncomingMessage;
  res: ServerResponse;
  /** The collector behind the door. */
  ask: CollectorHandler;
  sleep(ms: number): Promise<void>;
  /** Told before a connection is ended on purpose. */
  cut(): void;
}

/** Answers a request as its faults want it: by the collector, by something else, or not at all. */
export async function meetFaults({ faults, request, bytes, req, res, ask, sleep, cut }: Meeting): Promise<void> {
  const fault = faults.find((each) => each.kind !== 'delay');
  const wait = async (stored: boolean): Promise<void> => {
    for (const each of faults) if (each.kind === 'delay' && (each.stored ?? false) === stored) await sleep(each.ms);
  };
  await wait(false);

  if (fault?.kind === 'limit') {
    await wait(true);
    const told = (fault.told ?? true) ? { limitBytes: fault.bytes } : {};
    return send(413, { error: 'too-large', message: `The limit is ${fault.bytes} bytes.`, ...told });
  }
  if (fault?.kind === 'poison' && typeof fault.answer === 'number') {
    await wait(true);
    return send(fault.answer, '');
  }
  const body = fault?.kind === 'poison' ? readBody(bytes, request.gzip) : undefined;
  const answer = reachesCollector(fault) ? await pass() : undefined;
  await wait(true);

  switch (fault?.kind) {
    case 'status':
      return send(fault.status, fault.body ?? '', retryAfterOf(fault), fault);
    case 'silence':
      return;
    case 'reset':
      cut();
      req.socket.resetAndDestroy();
      return;
    case 'answer':
      return send(fault.status ?? 200, fault.body, { 'content-type': fault.contentType ?? 'application/json' });
  }
  const { status, headers, content } = answer!;
  request.status = status;
  res.writeHead(status, headers);
  if (fault?.kind === 'truncate') {
    cut();
    res.write(content.subarray(0, content.length >> 1), () => req.socket.destroy());
  } else if (fault?.kind === 'drip') {
    for (const byte of content) {
      if (res.closed) return;
      res.write(Buffer.of(byte));
      await sleep(fault.ms / content.length);
    }
    res.end();
  } else {
    res.end(content);
  }

  async function pass(): Promise<{ status: number; headers: Record<string, string>; content: Buffer }> {
    const response =
      fault?.kind === 'poison' && body
        ? await ask(
            requestOf(
              req,
              withoutEvents(body, (name) => name === fault.name),
            ),
          )
        : await ask(requestOf(req, bytes));
    let content: Buffer = Buffer.from(await response.arrayBuffer());
    const told = parse(content);
    request.stored = response.ok && req.method === 'POST';
    if (told) {
      request.accepted = told.accepted;
      request.duplicates = told.duplicates;
      if (fault?.kind === 'poison' && body && response.ok) {
        told.rejected = rejectedOf(body, told, (name) => name === fault.name, fault.reason ?? 'poison');
        content = Buffer.from(JSON.stringify(told));
      }
      request.rejected = told.rejected ?? [];
    }
    const headers = Object.fromEntries(response.headers);
    // Said of the bytes between the collector and here.
    delete headers['transfer-encoding'];
    delete headers['content-encoding'];
    headers['content-length'] = String(content.length);
    return { status: response.status, headers, content };
  }

  function send(
    status: number,
    content: unknown,
    extra: Record<string, string> = {},
    { cors = true, exposed = true }: { cors?: boolean; exposed?: boolean } = {},
  ): void {
    request.status = status;
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    // A null-body status must not have one: Node would send it and break the connection's framing.
    const empty = status === 204 || status === 205 || status === 304;
    res.writeHead(status, {
      ...(cors && { 'access-control-allow-origin': request.origin ?? '*' }),
      ...(cors && exposed && { 'access-control-expose-headers': 'Retry-After, Date' }),
      ...(!empty && { 'content-type': typeof content === 'string' ? 'text/plain' : 'application/json' }),
      ...(!empty && { 'content-length': String(Buffer.byteLength(text)) }),
      ...extra,
    });
    res.end(empty ? undefined : text);
  }
}

/** Whether the collector is asked at all. */
function reachesCollector(fault: Fault | undefined): boolean {
  switch (fault?.kind) {
    case 'status':
    case 'silence':
    case 'reset':
      return fault.stored ?? false;
    case 'answer':
      return fault.stored ?? true;
    default:
      return true;
  }
}

/** The collector's rejections, in positions of the body as it came, and those of the events it never saw. */
function rejectedOf(
  { head, rows }: ReadBody,
  answer: WireAnswer,
  isPoison: (name: string) => boolean,
  reason: string,
): WireAnswer['rejected'] {
  const passed = rows.flatMap((row, index) => (isPoison(row[3]) ? [] : [index]));
  const ids = idsOf(head.origins, rows);
  return [
    ...(answer.rejected ?? []).map((each) => {
      const index = each.index === undefined ? undefined : passed[each.index];
      return { ...each, ...(index !== undefined && { index }) };
    }),
    ...rows.flatMap((row, index) => (isPoison(row[3]) ? [{ id: ids[index]!, index, reason }] : [])),
  ];
}

function parse(content: Buffer): WireAnswer | undefined {
  try {
    const answer = JSON.parse(content.toString());
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined; // Somebody else's collector: its answer needs no shape.
  }
}

function retryAfterOf({ retryAfter }: { retryAfter?: number | string | Date }): Record<string, string> {
  if (retryAfter === undefined) return {};
  return { 'retry-after': retryAfter instanceof Date ? retryAfter.toUTCString() : String(retryAfter) };
}
