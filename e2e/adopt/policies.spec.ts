import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
// The type of `window.petrel`.
import type {} from '../../src/page/script-tag.js';
import type { TestCollector } from '../support/collector.js';
import type { Site } from '../support/site.js';
import { expect, newNames, test, track } from '../support/test.js';
import type { Tab } from '../support/visitor.js';

// What docs/csp.md tells people to serve, served.

const DOCS = readFileSync(fileURLToPath(new URL('../../docs/csp.md', import.meta.url)), 'utf8');
const DIST = process.env.PETREL_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));

/** The tag has no attribute for the engine's options: events are due after the default 5 s. */
const WITHIN_MS = 15_000;

/** The policy of a code block in the documentation, for this collector. */
function policy(name: string, collector: TestCollector): { [header: string]: string } {
  const header = DOCS.match(new RegExp(`\`\`\`http ${name}\n(Content-Security-Policy): (.*)\n`))!;
  expect(header[2]).toContain('https://collect.example');
  return {
    'content-security-policy': header[2]!.replace('https://collect.example', collector.origin).replace('RANDOM', 'n0'),
  };
}

const WATCH =
  'window.violations = []; addEventListener("securitypolicyviolation", (v) => violations.push(v.violatedDirective + " " + v.blockedURI));';
const TAG = '<script async src="/petrel/petrel.js" id="tag" data-endpoint="__ENDPOINT__" data-key="__KEY__"></script>';
const MODULE = `import { createTracker } from '/petrel/index.js'; harness.use(createTracker(__OPTIONS__));`;

/** A page without inline scripts. */
function page(site: Site, scripts: string, headers: { [header: string]: string } = {}): void {
  site.answer('/watch.js', { body: WATCH });
  site.answer('/module.js', { body: MODULE });
  site.answer('/strict', {
    body: `<!doctype html><meta charset="utf-8" /><title>strict</title><script src="/watch.js"></script><script src="/harness.js"></script>${scripts}`,
    headers: { 'content-type': 'text/html', ...headers },
  });
}

/** What the policy kept from the page; but for the site's icon, for which Firefox asks by itself. */
const violations = (tab: Tab) =>
  tab.evaluate(() =>
    (window as unknown as { violations: string[] }).violations.filter((what) => !what.endsWith('/favicon.ico')),
  );

const scopes = (tab: Tab) =>
  tab.evaluate(async () =>
    (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => new URL(scope).pathname),
  );

/** Waits for the tag's tracker, and gives it to the harness. */
async function useTag(tab: Tab): Promise<void> {
  await expect
    .poll(() => tab.evaluate(() => 'petrel' in window && typeof window.petrel.stats === 'function'))
    .toBe(true);
  await tab.evaluate(() => harness.use(window.petrel));
}

test('a bundle under the documented policy has its worker, delivers, also at exit, and violates nothing', async ({
  visitor,
  site,
  collector,
}) => {
  page(site, '<script type="module" src="/module.js"></script>', policy('page', collector));
  site.answer('/petrel-sw.js', { headers: policy('worker', collector) });
  const tab = await visitor.open(site.url('/strict'));

  const names = await track(tab, 3);
  await collector.expectExactlyOnce(names, { by: 'name', withinMs: WITHIN_MS });
  expect(await scopes(tab)).toEqual(['/petrel-sw/']);
  expect(await violations(tab)).toEqual([]);
  names.push(...(await track(tab, 3)));
  await tab.goto(site.url('/elsewhere', '127.0.0.1'));

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: WITHIN_MS });
});

// Which holds all that the other one does.
test('a script tag under the documented policy with Trusted Types has its worker, delivers, and violates nothing', async ({
  visitor,
  site,
  collector,
}) => {
  page(site, TAG, policy('trusted-types', collector));
  site.answer('/petrel-sw.js', { headers: policy('worker', collector) });
  const tab = await visitor.open(site.url('/strict'));
  await useTag(tab);

  const names = await track(tab, 3);

  await collector.expectExactlyOnce(['page', ...names], { by: 'name', withinMs: WITHIN_MS });
  expect(await scopes(tab)).toEqual(['/petrel-sw/']);
  expect(await violations(tab)).toEqual([]);
});

test('a script tag with its inline stub runs under the documented policy with a nonce', async ({
  visitor,
  site,
  collector,
}) => {
  const stub = DOCS.match(/<script nonce="RANDOM">(.*)<\/script>/)![1];
  page(site, '');
  site.answer('/strict', {
    change: (html) => html.replaceAll('<script', '<script nonce="n0"'),
    headers: policy('nonce', collector),
    body: `<!doctype html><meta charset="utf-8" /><script src="/watch.js"></script><script>${stub} petrel.track('early');</script>${TAG}`,
  });
  const tab = await visitor.open(site.url('/strict'));

  await collector.expectExactlyOnce(['early', 'page'], { by: 'name', withinMs: WITHIN_MS });
  expect(await scopes(tab)).toEqual(['/petrel-sw/']);
  expect(await violations(tab)).toEqual([]);
});

test('where Trusted Types allow no policy named petrel, the queue runs in the page', async ({
  visitor,
  site,
  collector,
}) => {
  const { 'content-security-policy': allowed = '' } = policy('trusted-types', collector);
  page(site, '<script type="module" src="/module.js"></script>', {
    'content-security-policy': allowed.replace('trusted-types petrel', "trusted-types 'none'"),
  });
  const tab = await visitor.open(site.url('/strict'));

  const names = await track(tab, 5);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: WITHIN_MS });
  const enforced = await tab.evaluate(() => 'trustedTypes' in window);
  expect(await scopes(tab)).toEqual(enforced ? [] : ['/petrel-sw/']);
});

test('an address of the page’s own Trusted Types policy is taken', async ({ visitor, site, collector }) => {
  const { 'content-security-policy': allowed = '' } = policy('trusted-types', collector);
  page(site, '<script type="module" src="/module.js"></script>', {
    'content-security-policy': allowed.replace('trusted-types petrel', 'trusted-types shop'),
  });
  site.answer('/module.js', {
    body: `import { createTracker } from '/petrel/index.js';
      const rules = { createScriptURL: (url) => url };
      const policy = window.trustedTypes ? trustedTypes.createPolicy('shop', rules) : rules;
      harness.use(createTracker({ ...__OPTIONS__, serviceWorker: { url: policy.createScriptURL('/petrel-sw.js') } }));`,
  });
  const tab = await visitor.open(site.url('/strict'));

  const names = await track(tab, 5);

  await collector.expectExactlyOnce(names, { by: 'name', withinMs: WITHIN_MS });
  expect(await scopes(tab)).toEqual(['/petrel-sw/']);
  expect(await violations(tab)).toEqual([]);
});

const hash = (content: Buffer) => `sha384-${createHash('sha384').update(content).digest('base64')}`;

test('a script tag with the right hash runs', async ({ visitor, site, collector }) => {
  const integrity = hash(readFileSync(`${DIST}/petrel.js`));
  page(site, TAG.replace('<script', `<script crossorigin integrity="${integrity}"`));
  const tab = await visitor.open(site.url('/strict'));
  await useTag(tab);

  const names = await track(tab, 3);

  await collector.expectExactlyOnce(['page', ...names], { by: 'name', withinMs: WITHIN_MS });
});

const STUB = `<script>window.petrel ??= new Proxy([], { get: (c, verb) => (verb in c ? c[verb] : (...call) => c.push([verb, ...call])) });</script>`;
const LATER = (names: string[]) => names.map((name) => `petrel.track('${name}');`).join('');

for (const { title, tag, prepare } of [
  {
    title: 'with a wrong hash',
    tag: TAG.replace('<script', `<script crossorigin integrity="${hash(Buffer.from('other'))}"`),
    prepare: () => {},
  },
  { title: 'that is not found', tag: TAG, prepare: (site: Site) => site.answer('/petrel/petrel.js', { status: 404 }) },
]) {
  test(`a script tag ${title} leaves the page alone, and its calls to a copy that comes later, in their order`, async ({
    visitor,
    site,
    collector,
  }) => {
    const names = newNames(5);
    page(site, `${STUB}<script>${LATER(names)}</script>${tag}`);
    prepare(site);
    const tab = await visitor.open(site.url('/strict'));
    await tab.evaluate(() => void window.petrel.identify('u1'));
    expect(await tab.evaluate(() => Array.isArray(window.petrel))).toBe(true);

    site.answer('/petrel/petrel.js', {});
    await tab.evaluate(() => {
      const { dataset } = document.querySelector<HTMLScriptElement>('#tag')!;
      const script = Object.assign(document.createElement('script'), { src: '/petrel/petrel.js?again' });
      Object.assign(script.dataset, { ...dataset });
      document.head.append(script);
    });

    await collector.expectExactlyOnce([...names, 'identify', 'page'], { by: 'name', withinMs: WITHIN_MS });
    const inOrder = [...(await collector.rows())].sort((a, b) => a.seq - b.seq).map(({ name }) => name);
    expect(inOrder).toEqual([...names, 'identify', 'page']);
  });
}

test('two copies of the tag in one page, of two addresses, are one tracker', async ({ visitor, site, collector }) => {
  const names = newNames(2);
  page(site, `${STUB}<script>${LATER(names)}</script>${TAG}${TAG.replace('petrel.js', 'petrel.js?copy')}`);
  const tab = await visitor.open(site.url('/strict'));
  await useTag(tab);

  names.push(...(await track(tab, 3)));

  await collector.expectExactlyOnce([...names, 'page'], { by: 'name', withinMs: WITHIN_MS });
  const rows = await collector.rows();
  expect(rows).toHaveLength(6);
  expect(new Set(rows.map(({ source }) => source)).size).toBe(1);
});
