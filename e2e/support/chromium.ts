import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, CDPSession, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { chromiumLaunchOptions } from '../../scripts/find-chromium.mjs';
import { killBrowser } from './processes.js';
import type { Tab, Visitor } from './visitor.js';

/** What only Chromium can be made to do. */
export interface ChromiumVisitor extends Visitor {
  open(url: string): Promise<ChromiumTab>;
  /** Cuts the network of pages and workers, or gives it back. */
  offline(off: boolean): Promise<void>;
  /** Stops every service worker at once, as the browser does with an idle one; the next message starts it again. */
  stopWorkers(): Promise<void>;
  /** A DevTools session with the first tab, for what has no name here. */
  devtools(): Promise<CDPSession>;
}

export interface ChromiumTab extends Tab {
  readonly page: Page;
  /** Brings it to the front, so that the tab that was there is hidden. */
  show(): Promise<void>;
}

export interface ChromiumOptions {
  /** Playwright turns the back/forward cache off; browsers have it on.
   * @defaultValue true */
  bfcache?: boolean;
  args?: string[];
}

/**
 * What Chromium itself writes into the console when a request fails, a navigation cuts one, or a script or worker is refused: no page
 * can prevent it, and such failures are what the stories are about.
 */
const OWN_WORDS = new RegExp(
  [
    'Failed to load resource',
    'has been blocked by CORS policy',
    'net::ERR_',
    'when fetching the script',
    'The script has an unsupported MIME type',
    'violates the following Content Security [Pp]olicy directive',
    "requires 'TrustedScriptURL' assignment",
    "Failed to find a valid digest in the 'integrity' attribute",
  ].join('|'),
);

export async function createChromiumVisitor({
  bfcache = true,
  args = [],
}: ChromiumOptions = {}): Promise<ChromiumVisitor> {
  const profile = mkdtempSync(join(tmpdir(), 'petrel-chromium-'));
  const complaints: string[] = [];
  let context = await launch();

  async function launch(): Promise<BrowserContext> {
    const options = chromiumLaunchOptions();
    const launched = await chromium.launchPersistentContext(profile, {
      ...options,
      args: [...options.args, ...args],
      headless: true,
      ...(bfcache && { ignoreDefaultArgs: ['--disable-back-forward-cache'] }),
    });
    launched.on('weberror', (error) => complaints.push(String(error.error())));
    launched.on('console', (message) => {
      if (message.type() === 'error' && !OWN_WORDS.test(message.text())) complaints.push(message.text());
    });
    return launched;
  }

  async function devtools(): Promise<CDPSession> {
    return context.newCDPSession(context.pages()[0]!);
  }

  return {
    engine: 'chromium',
    complaints,
    devtools,
    open: async (url) => {
      const page = await context.newPage();
      await showHonestVisibility(page);
      await page.goto(url);
      return createTab(page);
    },
    offline: (off) => context.setOffline(off),
    stopWorkers: async () => {
      const session = await devtools();
      await session.send('ServiceWorker.enable');
      await session.send('ServiceWorker.stopAllWorkers');
      // Playwright sometimes finds the session gone together with a worker's.
      await session.detach().catch(() => undefined);
    },
    crash: async () => {
      const gone = new Promise((done) => context.once('close', done));
      killBrowser(profile);
      await gone;
    },
    comeBack: async () => {
      context = await launch();
    },
    leave: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Lets a tab behind another be `hidden`, as in any browser. Playwright makes every page believe that it has the focus and is visible
 * (`Emulation.setFocusEmulationEnabled`) and has no switch for it; only the session that set it can take it back, and that one is its own.
 */
async function showHonestVisibility(page: Page): Promise<void> {
  interface Inside {
    _connection: { toImpl(page: Page): { delegate: { _mainFrameSession: { _client: CDPSession } } } };
  }
  const { delegate } = (page as unknown as Inside)._connection.toImpl(page);
  await delegate._mainFrameSession._client.send('Emulation.setFocusEmulationEnabled', { enabled: false });
}

function createTab(page: Page): ChromiumTab {
  return {
    page,
    show: () => page.bringToFront(),
    goto: async (url) => void (await page.goto(url)),
    evaluate: <A, R>(run: (arg: A) => R | Promise<R>, arg?: A) =>
      page.evaluate(run as Parameters<Page['evaluate']>[0], arg) as Promise<R>,
    click: (selector) => page.click(selector),
    // With the back/forward cache on, the restored page never fires the `load` that Playwright would wait for.
    back: async () => void (await page.goBack({ waitUntil: 'commit' })),
    close: async () => {
      const closed = page.waitForEvent('close');
      await page.close({ runBeforeUnload: true });
      await closed;
    },
  };
}
