// A visitor: a real Chromium with a profile of its own, its tabs, its workers, and its sudden death.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDevTools } from './devtools.mjs';

/**
 * @typedef {object} Tab
 * @property {(url: string) => Promise<void>} goto and waits for the page's `load`
 * @property {(verb: string, ...given: unknown[]) => Promise<any>} call what the page of site.mjs can do, by name; JSON in and out
 * @property {() => Promise<void>} show brings it to the front: the tab that was there is hidden
 * @property {() => Promise<void>} close as its user would, with all handlers
 *
 * @typedef {object} Visitor
 * @property {(url: string) => Promise<Tab>} open a new tab, in front
 * @property {() => Promise<void>} stopWorkers all service workers, at once, as the browser does with an idle one
 * @property {() => Promise<void>} crash every process of the browser, with SIGKILL
 * @property {() => Promise<void>} comeBack starts it again on the same profile, without its tabs
 * @property {() => Promise<void>} leave ends it and deletes the profile
 */

/** Longest a browser may take to start and a page to load, in milliseconds. */
const PATIENCE_MS = 40_000;

const FLAGS = [
  '--headless=new',
  '--remote-debugging-pipe',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  // A small /dev/shm, as in containers, would crash pages.
  '--disable-dev-shm-usage',
  // The sandbox cannot start as root, which is what containers run as; anybody else keeps it.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/**
 * @param {string} path of the browser
 * @returns {Promise<Visitor>}
 */
export async function createVisitor(path) {
  const profile = mkdtempSync(join(tmpdir(), 'petrel-gauntlet-'));
  const remove = () => rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  // Of a run that is interrupted. The browser ends by itself when its pipe does.
  process.once('exit', remove);
  let browser = await start();

  async function start() {
    const child = spawn(path, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      // A group of its own, to be killed as a whole.
      detached: process.platform !== 'win32',
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      said = `${said}${text}`.slice(-2_000);
    });
    const ended = new Promise((done) => child.once('close', done));
    const [, , , to, from] = child.stdio;
    const devtools = connectDevTools(
      /** @type {import('node:stream').Writable} */ (to),
      /** @type {import('node:stream').Readable} */ (from),
    );
    const failed = new Promise((_, fail) => child.once('error', fail));
    const kill = async () => {
      // Never started.
      if (child.pid === undefined) return;
      if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(child.pid), '/T', '/F']);
      else {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
      await ended;
    };
    try {
      await Promise.race([devtools.send('Target.setDiscoverTargets', { discover: true }), failed]);
    } catch (error) {
      await kill();
      throw new Error(`${path} does not start: ${said.trim() || /** @type {Error} */ (error).message}`);
    }
    return { devtools, kill };
  }

  /** @param {string} url @returns {Promise<Tab>} */
  async function open(url) {
    const { devtools } = browser;
    const { targetId } = await devtools.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: true });
    /** @param {string} method @param {import('./devtools.mjs').Params} [params] */
    const send = (method, params) => devtools.send(method, params, sessionId);
    await send('Page.enable');
    /** @type {Tab} */
    const tab = {
      goto: async (url) => {
        const loaded = new Promise((done, failed) => {
          const timer = setTimeout(() => finish(failed, new Error(`${url} does not load`)), PATIENCE_MS);
          const off = devtools.on(
            'Page.loadEventFired',
            (_, session) => session === sessionId && finish(done, undefined),
          );
          /** @param {(value: any) => void} how @param {unknown} value */
          const finish = (how, value) => {
            clearTimeout(timer);
            off();
            how(value);
          };
        });
        const { errorText } = await send('Page.navigate', { url });
        if (errorText) throw new Error(`${url}: ${errorText}`);
        await loaded;
      },
      call: async (verb, ...given) => {
        const { result, exceptionDetails } = await send('Runtime.evaluate', {
          expression: `gauntlet.${verb}(...${JSON.stringify(given)})`,
          awaitPromise: true,
          returnByValue: true,
        });
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
      },
      show: async () => void (await send('Page.bringToFront')),
      close: async () => {
        const gone = devtools.once('Target.targetDestroyed', (params) => params.targetId === targetId);
        await send('Page.close');
        await gone;
      },
    };
    await tab.goto(url);
    return tab;
  }

  async function stopWorkers() {
    const { devtools } = browser;
    const { targetInfos } = await devtools.send('Target.getTargets');
    const page = targetInfos.find((/** @type {{ type: string }} */ { type }) => type === 'page');
    const { sessionId } = await devtools.send('Target.attachToTarget', { targetId: page.targetId, flatten: true });
    await devtools.send('ServiceWorker.enable', {}, sessionId);
    await devtools.send('ServiceWorker.stopAllWorkers', {}, sessionId);
    await devtools.send('Target.detachFromTarget', { sessionId });
  }

  return {
    open,
    stopWorkers,
    crash: () => browser.kill(),
    comeBack: async () => {
      browser = await start();
    },
    leave: async () => {
      await browser.kill();
      process.off('exit', remove);
      remove();
    },
  };
}
