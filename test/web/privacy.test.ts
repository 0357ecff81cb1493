import { describe, expect, it } from 'vitest';
import { expandBody } from '../../src/core/wire-expand.js';
import { checkEvents } from '../../src/web/check-event.js';

describe('events at the host’s door', () => {
  it('lose the secrets in their page’s addresses before they are stored', () => {
    const context = { url: 'https://a.example/?token=s3cret&a=1', referrer: 'https://b.example/?email=x', title: 'A' };

    const { taken } = checkEvents([{ source: 'source-1', context }], [[0, 1, 0, 'a']]);

    expect(taken[0]![1][0]!.origin.context).toEqual({
      url: 'https://a.example/?token=*&a=1',
      referrer: 'https://b.example/?email=*',
      title: 'A',
    });
  });
});

describe('events that a leaving page sent by itself', () => {
  it('lose them in the collector, before any sink sees them', () => {
    const origins = [{ source: 'source-1', context: { url: 'https://a.example/#access_token=s3cret' } }];

    const { events } = expandBody({ petrel: 1, form: 'rows', sentAt: 1, origins, events: [[0, 1, 0, 'a']] });

    expect(JSON.stringify(events)).toContain('#access_token=*');
    expect(JSON.stringify(events)).not.toContain('s3cret');
  });
});
