import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { WireAnswer } from '../../src/core/wire.js';
import { encodeColumns, encodeRows } from '../../src/core/wire-encode.js';
import { sampleEvents, sampleOrigin, seededRandom } from '../support/sample-events.js';
import { post, setUp } from './support.js';

/** Changes for each run; FUZZ_SEED repeats one. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);

/** FUZZ_MUTATIONS=100000 is the whole of it; a tenth is what every run can afford. */
const MUTATIONS = Number(process.env.FUZZ_MUTATIONS ?? 10_000);

type Random = () => number;

const INTERESTING: unknown[] = [
  null,
  true,
  -1,
  0,
  1,
  1.5,
  65_536,
  4_294_967_296,
  2 ** 53,
  -(2 ** 53),
  1e308,
  '',
  '__proto__',
  'constructor',
  'x.1',
  '\ud800',
  '\0',
  'x'.repeat(1000),
  [],
  {},
  [[]],
  [1, 2, 3],
  { length: 3 },
  { petrel: 1 },
];

describe('fuzzed batches', () => {
  it(`never make the collector fail, store half of something, or say what is not so (seed ${SEED})`, {
    timeout: 60_000 + 20 * MUTATIONS,
  }, async () => {
    const random = seededRandom(SEED);
    const { collector, sink, errors } = setUp();
    const statuses = new Map<number, number>();

    for (let n = 0; n < MUTATIONS; n++) {
      const text = validBody(random, n);
      const body = mutate(random, text);
      const before = sink.events.size;

      const response = await collector(post(body, {}, 'https://collector.example/?enc=gzip'));

      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const stored = sink.events.size - before;
      const shown = `mutation ${n} of seed ${SEED}: ${response.status}`;
      expect(response.status, shown).toBeLessThan(500);
      if (response.status !== 200) expect(stored, shown).toBe(0);
      else {
        const answer: WireAnswer = await response.json();
        expect(answer.accepted, shown).toBe(stored);
      }
    }

    for (const event of sink.events.values()) {
      expect(event.id).toBe(`${event.source}.${event.seq}`);
      expect(event.id).toMatch(/^[A-Za-z0-9_-]{8,64}\.[1-9][0-9]*$/);
      expect(event.name.length).toBeGreaterThan(0);
      expect(Number.isNaN(new Date(event.timestamp).getTime())).toBe(false);
      expect(typeof JSON.stringify(event)).toBe('string');
    }
    expect(errors).toEqual([]);
    expect(collector.state()).toEqual({ waitingEvents: 0, waitingBytes: 0, sinkFailures: 0 });
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(PROTOTYPE);
    // Both ways were taken, or this tested nothing.
    expect(statuses.get(200)).toBeGreaterThan(MUTATIONS / 20);
    expect(statuses.get(400)).toBeGreaterThan(MUTATIONS / 20);
  });
});

const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype).sort();

function validBody(random: Random, n: number): string {
  const origin = { ...sampleOrigin, source: `fuzz-${SEED}-${n}` };
  const events = sampleEvents(1 + Math.floor(random() * 6), n, origin);
  const head = {
    sentAt: 1_795_449_600_000,
    ...(random() < 0.3 && { batchId: `b${n}`, attempt: 1, key: 'pk' }),
    ...(random() < 0.3 && { drops: [{ source: origin.source, first: 1, last: 5, reason: 'expired' as const }] }),
    ...(random() < 0.3 && { carried: [[origin.source, 1, 5] as [string, number, number]] }),
  };
  return JSON.stringify(random() < 0.5 ? encodeRows(head, events) : encodeColumns(head, events));
}

function mutate(random: Random, text: string): string | Uint8Array<ArrayBuffer> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const times = 1 + Math.floor(random() * 3);
  const how = random();
  if (how < 0.55) {
    const body = JSON.parse(text);
    for (let i = 0; i < times; i++) changeValue(random, pick, body);
    const changed = JSON.stringify(body);
    return random() < 0.3 ? new Uint8Array(gzipSync(changed)) : changed;
  }
  let bytes = new Uint8Array(how < 0.75 ? gzipSync(text) : Buffer.from(text));
  for (let i = 0; i < times; i++) bytes = changeBytes(random, bytes);
  return bytes;
}

/** Replaces, removes, doubles or moves one value anywhere in the body. */
function changeValue(random: Random, pick: <T>(list: readonly T[]) => T, body: object): void {
  const places: { parent: Record<string, unknown>; key: string }[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push({ parent: value as Record<string, unknown>, key });
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(body);
  if (places.length === 0) return;
  const { parent, key } = pick(places);
  const how = random();
  // A copy each time: nothing may contain itself, and nothing of one mutation may be in the next.
  const set = (name: string, value: unknown) =>
    Object.defineProperty(parent, name, {
      value: structuredClone(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  if (how < 0.5) set(key, pick(INTERESTING));
  else if (how < 0.65) {
    const other = pick(places);
    set(key, other.parent[other.key]);
  } else if (Array.isArray(parent)) {
    if (how < 0.8) parent.splice(Number(key), 1);
    else parent.splice(Number(key), 0, structuredClone(parent[Number(key)]));
  } else if (how < 0.8) delete parent[key];
  else set(pick(['__proto__', 'constructor', 'toJSON', 'then', 'x']), parent[key]);
}

/** Flips, cuts, doubles or overwrites bytes. */
function changeBytes(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = Math.floor(random() * bytes.length);
  const end = Math.min(bytes.length, at + Math.floor(random() * 40));
  const how = random();
  if (how < 0.4) {
    const changed = bytes.slice();
    if (at < changed.length) changed[at]! ^= 1 << Math.floor(random() * 8);
    return changed;
  }
  if (how < 0.6) return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(end)]);
  if (how < 0.8) return new Uint8Array([...bytes.subarray(0, end), ...bytes.subarray(at)]);
  const digits = Buffer.from(
    ['0', '9', '-', 'e9', '"', '[', '{', ',', '\\u0000', '\\ud800'][Math.floor(random() * 10)]!,
  );
  return new Uint8Array([...bytes.subarray(0, at), ...digits, ...bytes.subarray(at)]);
}
