import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromiumLaunchOptions } from '../scripts/find-chromium.mjs';
import { killBrowser } from './support/processes.js';
import { chromiumOnly, expect, newNames, test } from './support/test.js';

chromiumOnly('no other engine prerenders pages');

// Chromium prerenders nothing while DevTools is attached, so nobody drives this browser: its first page goes on by itself.
test('a prerendered page sends nothing until it is shown, and then everything', async ({ site, collector }) => {
  const rules = JSON.stringify({ prerender: [{ source: 'list', urls: ['/app?prerendered'] }] });
  site.answer('/before', {
    body: `<!doctype html><script type="speculationrules">${rules}</script>
      <script>setTimeout(() => fetch('/moving').finally(() => { location.href = '/app?prerendered'; }), 3000);</script>`,
    headers: { 'content-type': 'text/html' },
  });
  // Answered late, so that there is time to look before the page is shown.
  site.answer('/moving', { body: '', delayMs: 1_500 });
  const names = newNames(3);
  site.answer('/app', {
    change: (page) =>
      page.replace(
        'harness.use(createTracker(__OPTIONS__));',
        `const { prerendering } = document;
        harness.use(createTracker(__OPTIONS__));
        harness.track(${JSON.stringify(names)}, { prerendering });`,
      ),
  });
  const profile = mkdtempSync(join(tmpdir(), 'petrel-prerender-'));
  const { executablePath, args } = chromiumLaunchOptions();
  const browser = spawn(
    executablePath ?? 'chromium',
    [...args, '--headless', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`, site.url('/before')],
    { stdio: 'ignore' },
  );
  try {
    await expect.poll(() => site.asked, { timeout: 20_000 }).toContain('/petrel/index.js');
    await expect.poll(() => site.asked, { timeout: 20_000 }).toContain('/moving');
    const before = collector.requests.filter(({ names: sent }) => sent.some((name) => names.includes(name)));

    await collector.expectExactlyOnce(names, { by: 'name', withinMs: 15_000 });

    expect(before, 'sent before it was shown').toEqual([]);
    expect((await collector.rows()).map(({ properties }) => JSON.parse(properties))).toEqual(
      Array(3).fill({ prerendering: true }),
    );
    expect(site.asked.filter((path) => path === '/app')).toHaveLength(1);
  } finally {
    killBrowser(profile);
    await new Promise((done) => browser.once('exit', done));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});
