import 'fake-indexeddb/auto';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { leaveDatabase, takesUp } from './released-database.story.js';

/** `PETREL_RELEASE=x.y.z` writes what this code leaves behind as the fixture of a release: before it is published. */
const RELEASE = process.env.PETREL_RELEASE;

const left = await leaveDatabase('left-by-this-code');
if (RELEASE) {
  writeFileSync(new URL(`../fixtures/database-${RELEASE}.json`, import.meta.url), `${JSON.stringify(left, null, 2)}\n`);
}

describe('a database in the middle of an outage', () => {
  it('has something in every store and lane, a batch in retry, drops to tell and a pause', () => {
    const [, state] = left.stores.state!.entries[0]!;

    // What was stored of the page that is open lies in the state.
    const empty = Object.keys(left.stores).filter((store) => left.stores[store]!.entries.length === 0);
    expect(empty).toEqual(['sources']);
    expect(left.stores.records!.entries.map(([key]) => (key as unknown[])[1])).toEqual(
      expect.arrayContaining([0, 1, 2, 3, 4]),
    );
    expect(state).toMatchObject({ pause: { reason: 'backoff' }, batches: [{ attempt: 2, events: 3 }] });
    expect((state as { tombstones: unknown[] }).tombstones).toHaveLength(1);
  });

  takesUp('this code', left);
});
