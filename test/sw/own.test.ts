import { describe, expect, it } from 'vitest';
import { isOwn } from '../../sw/own.js';

const own = (script: string, scope: string) =>
  isOwn({
    location: new URL(script, 'https://site.example'),
    registration: { scope: new URL(scope, 'https://site.example').href },
  } as unknown as ServiceWorkerGlobalScope);

describe('the ready-made worker file', () => {
  it.each([
    ['/petrel-sw.js', '/petrel-sw/'],
    ['/petrel-sw.js?v=2', '/petrel-sw/'],
    ['/shop/petrel-sw.js', '/shop/'],
    ['/petrel-sw.js', '/'],
    ['/assets/queue.js', '/assets/queue/'],
    ['/queue.js?v=2', '/queue/'],
  ])('is the worker itself as %s at %s', (script, scope) => {
    expect(own(script, scope)).toBe(true);
  });

  it.each([
    ['/sw.js', '/'],
    ['/petrel/sw.js', '/petrel/'],
    ['/app/service-worker.js?v=2', '/app/'],
  ])('is a part of another worker in %s at %s', (script, scope) => {
    expect(own(script, scope)).toBe(false);
  });
});
