// Starts a Firefox with a fresh profile and talks to it over WebDriver BiDi. What only DevTools has (throttling, the heap, input, network
// conditions) it lacks; CPU times are the kernel's, so they are there on Linux only.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { busiest, scheduledMs } from './threads.mjs';

const BINARIES = [process.env.PETREL_FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** What Firefox does on its own accord while nobody looks, switched off, so that its CPU time is the page's doing. */
const QUIET = {
  'app.update.enabled': false,
  'browser.aboutConfig.showWarning': false,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

const START_TIMEOUT_MS = 60_000;
const COMMAND_TIMEOUT_MS = 120_000;

/** @type {import('./browser.mjs').Session} */
const NO_DEVTOOLS = {
  send: async (method) => {
    throw new Error(`Firefox has no ${method}`);
  },
  on: () => {},
};

/** Of the kernel's times in /proc, per second, on every Linux there is. */
const TICKS = 100;

/** @returns {Promise<import('./browser.mjs').Browser>} */
export async function launchFirefox() {
  const binary = BINARIES.find((path) => path !== undefined && existsSync(path));
  if (!binary) throw new Error('No Firefox found. Install firefox-esr, or set PETREL_FIREFOX.');
  const profile = mkdtempSync(join(tmpdir(), 'petrel-bench-firefox-'));
  const preferences = Object.entries(QUIET).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), preferences.join(''));
  const child = spawn(binary, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A process group of its own, by which its processes are found and ended.
    detached: true,
    env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  const group = /** @type {number} */ (child.pid);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const kill = () => {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It is gone.
    }
  };
  process.once('exit', kill);

  const send = await connect(`${await addressOf(child)}/session`);
  const { capabilities } = await send('session.new', { capabilities: {} });
  /** @type {import('./browser.mjs').Page | undefined} */
  let page;

  return {
    session: NO_DEVTOOLS,
    version: `Firefox ${capabilities.browserVersion}`,
    async cpuMs() {
      return processesOf(group).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    },
    async openPage() {
      const { contexts } = await send('browsingContext.getTree', { maxDepth: 0 });
      page = pageOf(send, contexts[0].context, () => processesOf(group).map(({ id }) => id));
      return page;
    },
    attach: async () => undefined,
    // The collector is down meanwhile; what there is no way to make happen is the event that the network is back.
    async offline(off) {
      if (!off) await page?.evaluate('void dispatchEvent(new Event("online"))');
    },
    async close() {
      kill();
      await exited;
      process.off('exit', kill);
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}

/** @param {import('node:child_process').ChildProcess} child */
function addressOf(child) {
  return new Promise((/** @type {(address: string) => void} */ found, failed) => {
    let said = '';
    const timer = setTimeout(() => failed(new Error(`Firefox did not start:\n${said}`)), START_TIMEOUT_MS);
    child.stderr?.on('data', (chunk) => {
      said += chunk;
      const address = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(said)?.[1];
      if (!address) return;
      clearTimeout(timer);
      found(address);
    });
  });
}

/** @typedef {(method: string, params: object) => Promise<any>} Send */

/**
 * @param {string} address
 * @returns {Promise<Send>}
 */
async function connect(address) {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void, timer: NodeJS.Timeout }>} */
  const pending = new Map();
  let lastId = 0;
  await new Promise((open, failed) => {
    socket.once('open', open);
    socket.once('error', failed);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const { reject, timer } of pending.values()) {
      clearTimeout(timer);
      reject(new Error('the browser is gone'));
    }
    pending.clear();
  });
  socket.on('message', (data) => {
    const { id, type, result, error, message } = JSON.parse(String(data));
    const waiting = pending.get(id);
    if (!waiting) return;
    pending.delete(id);
    clearTimeout(waiting.timer);
    if (type === 'success') waiting.resolve(result);
    else waiting.reject(new Error(`${error}: ${message}`));
  });
  return (method, params) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      const timer = setTimeout(() => {
        pending.delete(id);
        reject(new Error(`${method} had no answer in ${COMMAND_TIMEOUT_MS / 1_000} s`));
      }, COMMAND_TIMEOUT_MS);
      pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ id, method, params }));
    });
}

/**
 * @param {Send} send
 * @param {string} context
 * @param {() => number[]} processes
 * @returns {import('./browser.mjs').Page}
 */
function pageOf(send, context, processes) {
  /** @type {number | undefined} */
  let mainThreadId;

  /** @param {string} expression */
  async function evaluate(expression) {
    // JSON out: BiDi's own form of values is ten times as long.
    const { result, exceptionDetails } = await send('script.callFunction', {
      functionDeclaration: `async (code) => JSON.stringify([await (0, eval)(code)])`,
      arguments: [{ type: 'string', value: expression }],
      awaitPromise: true,
      target: { context },
    });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return JSON.parse(result.value)[0];
  }

  return {
    session: NO_DEVTOOLS,
    evaluate,
    async goto(url) {
      await send('browsingContext.navigate', { context, url, wait: 'complete' });
      mainThreadId = await busiest(processes, evaluate);
    },
    async mainThread() {
      const threadMs = mainThreadId === undefined ? undefined : scheduledMs(mainThreadId, mainThreadId);
      return { taskMs: threadMs ?? Number.NaN, scriptMs: Number.NaN, threadMs };
    },
    async throttle() {
      throw new Error('Firefox cannot be slowed down');
    },
  };
}

/**
 * The processes of a group, with the CPU time each used so far, in ms.
 *
 * @param {number} group
 */
function processesOf(group) {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // After the name, which may hold anything: state, parent, group, … the 12th and 13th are user and system time.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(fields[2]) !== group) return [];
      return [{ id: Number(name), cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS }];
    } catch {
      // It has just ended.
      return [];
    }
  });
}
