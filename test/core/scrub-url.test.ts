import { describe, expect, it } from 'vitest';
import { scrubContext, scrubUrl } from '../../src/core/scrub-url.js';

describe('an address', () => {
  it.each([
    ['https://a.example/reset?token=s3cret&lang=en', 'https://a.example/reset?token=*&lang=en'],
    [
      'https://a.example/cb?code=abc&state=xy#access_token=def&expires=3',
      'https://a.example/cb?code=*&state=xy#access_token=*&expires=3',
    ],
    ['/login?user=ann&Password=p&passwd=p&new_pwd=p', '/login?user=ann&Password=*&passwd=*&new_pwd=*'],
    ['/a?api_key=1&apikey=2&X-Api-Key=3&key=4', '/a?api_key=*&apikey=*&X-Api-Key=*&key=*'],
    ['/a;jsessionid=AB12?x=1', '/a;jsessionid=*'],
    ['/file?X-Amz-Signature=ab&sig=cd&X-Amz-Date=1', '/file?X-Amz-Signature=*&sig=*&X-Amz-Date=1'],
    ['/app#/invite?authToken=1&tab=2', '/app#/invite?authToken=*&tab=2'],
    ['/a?email=x&e-mail=y&contact=ann%40shop.example', '/a?email=*&e-mail=*&contact=*'],
    ['/unsubscribe/ann.b@shop.example/now?u=bob@shop.example', '/unsubscribe/*/now?u=*'],
  ])('loses its secrets: %s', (url, scrubbed) => {
    expect(scrubUrl(url)).toBe(scrubbed);
  });

  it.each([
    'https://shop.example/search?q=red+shoes&page=2&utm_source=news&gclid=abc#top',
    '/articles?author=ann&keyword=tea&keywords=a&postcode=1010&discount_code=',
    '/@ann/posts',
    '/npm/react@18.2.0/index.js',
    '/a?design=1&signup=2&state=CA',
    '',
  ])('keeps what is none: %s', (url) => {
    expect(scrubUrl(url)).toBe(url);
  });

  // Searched without bounds, each of these takes minutes.
  it.each(['token', 'a', ';', '@a', ';token', 'a.', 'a@a.', `;${'otp'.repeat(26)}`])(
    'of 32 KB of %s is scrubbed at once',
    (part) => {
      const hostile = `/a?${part.repeat(Math.floor(32_000 / part.length))}`;

      expect(scrubUrl(hostile)).toBe(hostile);
    },
  );
});

describe('the context of a page', () => {
  it('has its own address and that of the referrer scrubbed, and nothing else', () => {
    const context = { url: '/a?token=1', referrer: '/b?code=2', title: '?token=1', other: { url: '/c?token=3' } };

    expect(scrubContext(context)).toEqual({ ...context, url: '/a?token=*', referrer: '/b?code=*' });
    expect(scrubContext({ url: 7 })).toEqual({ url: 7 });
    expect(context.url).toBe('/a?token=1');
  });
});
