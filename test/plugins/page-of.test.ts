import { describe, expect, it } from 'vitest';
import { type PageRule, pageOf } from '../../src/plugins/lib/page-of.js';

describe('the page of an address', () => {
  it.each<[string, PageRule, string]>([
    ['https://a.example/', {}, '/'],
    ['https://a.example/shop?b=2&a=1', {}, '/shop?b=2&a=1'],
    ['https://a.example/shop#reviews', {}, '/shop'],
    ['https://a.example/#/cart', {}, '/#/cart'],
    ['https://a.example/#!cart', {}, '/#!cart'],
    ['https://a.example/shop#reviews', { hash: 'all' }, '/shop#reviews'],
    ['https://a.example/#/cart', { hash: 'none' }, '/'],
    ['https://a.example/shop?a=1#/x', { query: 'none' }, '/shop#/x'],
    ['https://a.example/shop?utm_source=x&q=red+shoes&page=2', { query: ['page', 'q'] }, '/shop?page=2&q=red+shoes'],
    ['https://a.example/shop?q=1&q=2', { query: ['q'] }, '/shop?q=1&q=2'],
    ['https://a.example/shop?q=%26%3D', { query: ['q'] }, '/shop?q=%26%3D'],
    ['https://a.example/shop?token=secret', { query: [] }, '/shop'],
    ['https://a.example/shop?', {}, '/shop'],
    ['https://a.example/%zz?%zz', { query: ['x'] }, '/%zz'],
    ['about:blank', {}, 'blank'],
  ])('%s under %j is %s', (href, rule, page) => {
    expect(pageOf(href, rule)).toBe(page);
  });

  it('is the same whatever the order of the parameters that are part of it', () => {
    const rule: PageRule = { query: ['a', 'b'] };

    expect(pageOf('https://a.example/?b=2&a=1', rule)).toBe(pageOf('https://a.example/?a=1&x=3&b=2', rule));
  });
});
