import { describe, expect, it } from 'vitest';
import { withProperties } from '../../src/plugins/with-properties.js';
import { createFakePage, tasks } from '../page/fake-page.js';

describe('a tracker with properties', () => {
  it('adds them to what it tracks, numbers its events with the others, and lets the call win', async () => {
    const page = createFakePage();
    const tracker = page.create();
    const player = withProperties(tracker, { component: 'player', at: 0 });
    const advert = withProperties(player, { advert: true });

    tracker.track('a');
    player.track('b', { at: 7 });
    advert.track('c', null, { priority: 'low' });
    player.page();
    player.identify('u1');
    await tasks();

    expect(page.messages('events')[0]!.events.map((row) => [row[1], row[3], row[4], row[6]])).toEqual([
      [1, 'a', undefined, undefined],
      [2, 'b', { component: 'player', at: 7 }, undefined],
      [3, 'c', { component: 'player', at: 0, advert: true }, 'low'],
      [4, 'page', { component: 'player', at: 0 }, undefined],
      [5, 'identify', undefined, undefined],
    ]);
  });

  it('leaves wrong properties to be refused and counted', async () => {
    const page = createFakePage();
    const tracker = withProperties(page.create(), { component: 'player' });

    tracker.track('a', 'text' as never);
    tracker.close();

    expect((await tracker.stats()).page.dropped).toEqual({ invalid: 1 });
  });
});
