// Starts a Chromium with a fresh profile and talks to it over DevTools' pipe, with no test framework in between: what is
// enabled in a page under measurement costs it CPU time, so nothing is that the measurement does not need.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromiumLaunchOptions } from '../../../scripts/find-chromium.mjs';
import { busiest, scheduledMs } from './threads.mjs';

/**
 * What a browser does on its own accord while nobody looks, switched off, so that its CPU time is the page's doing.
 * bfcache stays on and timers are not throttled: both are as in a visible tab.
 */
const QUIET = [
  '--headless=new',
  '--no-first-run',
  '--no-default-browser-check',
  '--no-service-autorun',
  '--password-store=basic',
  '--use-mock-keychain',
  '--disable-sync',
  '--disable-extensions',
  '--disable-default-apps',
  '--disable-component-extensions-with-background-pages',
  '--disable-client-side-phishing-detection',
  '--disable-breakpad',
  '--disable-domain-reliability',
  '--metrics-recording-only',
  '--disable-features=Translate,OptimizationHints,MediaRouter,InterestFeedContentSuggestions,CertificateTransparencyComponentUpdater,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup',
  '--window-size=1280,720',
];

const COMMAND_TIMEOUT_MS = 60_000;

/** @typedef {(params: any) => void} Listener */

/**
 * A DevTools session: with the browser, a page or a worker.
 * @typedef {object} Session
 * @property {(method: string, params?: object) => Promise<any>} send
 * @property {(event: string, listener: Listener) => void} on
 */

/**
 * @typedef {object} Browser
 * @property {string} version
 * @property {Session} session Over DevTools.
 * @property {() => Promise<number>} cpuMs CPU time of all its processes so far.
 * @property {() => Promise<Page>} openPage The tab it started with.
 * @property {(type: string) => Promise<Session | undefined>} attach Session with the first target of that type, if there is one.
 * @property {(off: boolean) => Promise<void>} offline Takes the network from page and worker alike, as when a cable is pulled, or gives it back.
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} Page
 * @property {Session} session Over DevTools.
 * @property {(url: string) => Promise<void>} goto Resolves after `load`.
 * @property {<T = any>(expression: string) => Promise<T>} evaluate Awaits promises.
 * @property {() => Promise<MainThread>} mainThread
 * @property {(rate: number) => Promise<void>} throttle Slows the main thread down by that factor.
 */

/**
 * CPU time of the renderer's main thread so far, in ms.
 * @typedef {object} MainThread
 * @property {number} taskMs In tasks, as DevTools counts it: everything the page does.
 * @property {number} scriptMs Of it, in scripts.
 * @property {number | undefined} threadMs Of the whole thread, as the kernel counts it (Linux).
 */

/**
 * @param {{ features?: string[] }} [options]
 * @returns {Promise<Browser>}
 */
export async function launchBrowser({ features = [] } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'petrel-bench-'));
  const { executablePath, args } = chromiumLaunchOptions();
  if (!executablePath)
    throw new Error('No Chromium found. Set PETREL_CHROMIUM, or run `npx playwright install chromium`.');
  const child = spawn(
    executablePath,
    [...QUIET, ...args, ...features, `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  };
  process.once('exit', kill);
  const connect = connection(
    /** @type {import('node:stream').Writable} */ (child.stdio[3]),
    /** @type {import('node:stream').Readable} */ (child.stdio[4]),
  );
  const session = connect();
  const { product } = await session.send('Browser.getVersion');

  /** @param {string} targetId */
  async function attachTo(targetId) {
    const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: true });
    return connect(sessionId);
  }

  /** @type {Page | undefined} */
  let page;
  /** Whose network is taken away. @type {(Session | undefined)[] | undefined} */
  let cut;

  /** @param {string} type */
  async function attach(type) {
    const { targetInfos } = await session.send('Target.getTargets', { filter: [{}] });
    const found = targetInfos.find((/** @type {{ type: string }} */ info) => info.type === type);
    return found && attachTo(found.targetId);
  }

  return {
    version: product.replace('HeadlessChrome', 'Chromium').replace('Chrome/', 'Chromium/').replace('/', ' '),
    session,
    async cpuMs() {
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      return processInfo.reduce(
        (/** @type {number} */ sum, /** @type {{ cpuTime: number }} */ { cpuTime }) => sum + cpuTime * 1_000,
        0,
      );
    },
    async openPage() {
      const { targetInfos } = await session.send('Target.getTargets');
      const { targetId } = targetInfos.find((/** @type {{ type: string }} */ info) => info.type === 'page');
      const opened = await pageOf(await attachTo(targetId), session);
      page = opened;
      return opened;
    },
    attach,
    async offline(off) {
      // The same sessions both times: what one has taken away, another does not give back.
      cut ??= [page?.session, await attach('service_worker')];
      const conditions = { offline: off, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
      for (const target of cut) {
        await target?.send('Network.enable');
        await target?.send('Network.emulateNetworkConditions', conditions);
      }
    },
    async close() {
      await Promise.race([
        session.send('Browser.close').catch(() => {}),
        new Promise((done) => setTimeout(done, 2_000)),
      ]);
      await Promise.race([exited, new Promise((done) => setTimeout(done, 2_000))]);
      kill();
      process.off('exit', kill);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/**
 * Speaks DevTools' protocol over two pipes: JSON, each message ended by a zero byte.
 *
 * @param {import('node:stream').Writable} to
 * @param {import('node:stream').Readable} from
 * @returns {(sessionId?: string) => Session}
 */
function connection(to, from) {
  let lastId = 0;
  let rest = '';
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void, timer: NodeJS.Timeout }>} */
  const pending = new Map();
  /** @type {Map<string, Listener[]>} */
  const listeners = new Map();
  from.setEncoding('utf8');
  from.on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const each of messages) receive(JSON.parse(each));
  });
  const end = () => {
    for (const { reject, timer } of pending.values()) {
      clearTimeout(timer);
      reject(new Error('the browser is gone'));
    }
    pending.clear();
  };
  from.on('close', end);
  to.on('error', end);
  from.on('error', end);

  /** @param {any} message */
  function receive({ id, result, error, method, params, sessionId = '' }) {
    if (id === undefined) {
      for (const listener of listeners.get(`${sessionId} ${method}`) ?? []) listener(params);
      return;
    }
    const waiting = pending.get(id);
    if (!waiting) return;
    pending.delete(id);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(new Error(`${error.message}${error.data ? `: ${error.data}` : ''}`));
    else waiting.resolve(result);
  }

  return (sessionId) => ({
    send: (method, params = {}) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        const timer = setTimeout(() => {
          pending.delete(id);
          reject(new Error(`${method} had no answer in ${COMMAND_TIMEOUT_MS / 1_000} s`));
        }, COMMAND_TIMEOUT_MS);
        pending.set(id, { resolve, reject, timer });
        to.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
      }),
    on(event, listener) {
      const key = `${sessionId ?? ''} ${event}`;
      listeners.set(key, [...(listeners.get(key) ?? []), listener]);
    },
  });
}

/**
 * @param {Session} session
 * @param {Session} browser
 * @returns {Promise<Page>}
 */
async function pageOf(session, browser) {
  /** @type {(() => void)[]} */
  const loads = [];
  /** @type {number | undefined} */
  let mainThreadId;
  session.on('Page.loadEventFired', () => {
    for (const loaded of loads.splice(0)) loaded();
  });
  await session.send('Page.enable');
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });

  /** @param {string} expression */
  async function evaluate(expression) {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  return {
    session,
    evaluate,
    async goto(url) {
      const loaded = new Promise((done) => loads.push(() => done(undefined)));
      const { errorText } = await session.send('Page.navigate', { url });
      if (errorText) throw new Error(`${url}: ${errorText}`);
      await loaded;
      mainThreadId = await busiest(() => renderers(browser), evaluate);
    },
    async mainThread() {
      const { metrics } = await session.send('Performance.getMetrics');
      /** @param {string} name */
      const ms = (name) => 1_000 * metrics.find((/** @type {{ name: string }} */ metric) => metric.name === name).value;
      return {
        taskMs: ms('TaskDuration'),
        scriptMs: ms('ScriptDuration'),
        threadMs: mainThreadId === undefined ? undefined : scheduledMs(mainThreadId, mainThreadId),
      };
    },
    throttle: (rate) => session.send('Emulation.setCPUThrottlingRate', { rate }),
  };
}

/** @param {Session} browser */
async function renderers(browser) {
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo');
  return processInfo.flatMap((/** @type {{ type: string, id: number }} */ { type, id }) =>
    type === 'renderer' ? [id] : [],
  );
}

/**
 * CPU time of every thread of the browser so far, in ms, by kind of process and name of thread (Linux).
 *
 * @param {Browser} browser
 * @returns {Promise<Map<string, number>>}
 */
export async function threadTimes(browser) {
  const { processInfo } = await browser.session.send('SystemInfo.getProcessInfo');
  const times = new Map();
  for (const { type, id } of processInfo) {
    for (const thread of readdirSync(`/proc/${id}/task`)) {
      const ms = scheduledMs(id, Number(thread));
      if (ms === undefined) continue;
      const name = thread === String(id) ? 'main' : readFileSync(`/proc/${id}/task/${thread}/comm`, 'utf8').trim();
      const key = `${type} ${id} ${name}`;
      times.set(key, (times.get(key) ?? 0) + ms);
    }
  }
  return times;
}
