import { beforeEach, describe, expect, it, vi } from 'vitest';
import { problemsOfTag } from '../../src/page/check-tag.js';

beforeEach(() => {
  vi.stubGlobal('location', new URL('https://shop.example/a'));
  return () => vi.unstubAllGlobals();
});

describe('the attributes of a script tag', () => {
  it.each([
    { endpoint: '/v1/events' },
    { endpoint: 'https://collect.example/', key: 'shop', sw: '/petrel-sw.js', scope: '/petrel/', consent: 'pending' },
    { endpoint: '../events', sw: 'off', auto: 'off', debug: '' },
  ])('are right: %j', (dataset) => {
    expect(problemsOfTag(dataset)).toEqual([]);
  });

  it.each([
    [{}, '`data-endpoint` is missing: there is no tracker'],
    [
      { endpoint: 'collect' },
      '`data-endpoint` must be an address with http or https, or one that begins with /, . or ?, not "collect": events go nowhere',
    ],
    [
      { endpoint: '/e', sw: 'https://cdn.example/petrel-sw.js' },
      '`data-sw` must be off, or an address of this page’s own origin, not "https://cdn.example/petrel-sw.js": the queue is in the page',
    ],
    [
      { endpoint: '/e', sw: '' },
      '`data-sw` must be off, or an address of this page’s own origin, not "": the queue is in the page',
    ],
    [{ endpoint: '/e', sw: 'off', scope: '/x/' }, '`data-scope` is not used: `data-sw` is off'],
    [
      { endpoint: '/e', consent: 'yes' },
      '`data-consent` must be granted, pending or denied, not "yes": it counts as pending',
    ],
    [{ endpoint: '/e', auto: 'false' }, '`data-auto` must be off, or not there, not "false": page views are recorded'],
    [{ endpoint: '/e', key: '' }, '`data-key` must be a text that is not empty, not "": none is sent'],
    [
      { endpoint: '/e', writeKey: 'shop' },
      '`data-write-key` is none of its attributes: data-endpoint, data-key, data-sw, data-scope, data-consent, data-auto, data-debug',
    ],
    [
      { endpoint: '/e', constructor: 'x' },
      '`data-constructor` is none of its attributes: data-endpoint, data-key, data-sw, data-scope, data-consent, data-auto, data-debug',
    ],
  ])('are wrong: %j', (dataset, problem) => {
    expect(problemsOfTag(dataset as never)).toEqual([problem]);
  });
});
