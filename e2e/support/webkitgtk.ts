import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tab, Visitor } from './visitor.js';

const DRIVER = '/usr/bin/WebKitWebDriver';
const BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';

/** The key under which WebDriver names an element (W3C WebDriver, section 12.1). */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Longest the driver and its X server may take to start, in milliseconds. */
const START_TIMEOUT_MS = 30_000;

export function findWebKitGtk(): string | undefined {
  return existsSync(DRIVER) && existsSync('/usr/bin/xvfb-run') ? BROWSER : undefined;
}

/**
 * WebKitGTK's MiniBrowser over W3C WebDriver, on an X server of its own.
 *
 * Every tab is a window: a second *tab* of an automated MiniBrowser stays `hidden` for ever, a window is visible. The window it
 * starts with stays empty, because the session ends with its last window.
 * Its automation sessions are private ones: nothing is left when the browser ends, so there is no coming back.
 */
export async function createWebKitGtkVisitor(): Promise<Visitor> {
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), 'petrel-webkit-'));
  const child = spawn('xvfb-run', ['-a', DRIVER, `--port=${port}`, '--host=127.0.0.1'], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home },
  });
  const driver = `http://127.0.0.1:${port}`;
  await started(driver);

  const { sessionId } = (await call(driver, 'POST', '/session', {
    capabilities: {
      alwaysMatch: { 'webkitgtk:browserOptions': { binary: BROWSER, args: ['--automation'] } },
    },
  })) as { sessionId: string };
  const session = `${driver}/session/${sessionId}`;
  await call(session, 'POST', '/timeouts', { script: 60_000, pageLoad: 30_000 });
  const first = (await call(session, 'GET', '/window')) as string;

  // WebDriver has one current window for all commands: choosing it and using it must not be separated.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn: InTurn = (run) => {
    const result = turn.then(run);
    turn = result.catch(() => undefined);
    return result;
  };

  return {
    engine: 'webkitgtk',
    // MiniBrowser tells nobody what a page writes into its console.
    complaints: [],
    open: async (url) => {
      const { handle } = (await inTurn(async () => {
        await call(session, 'POST', '/window', { handle: first });
        return call(session, 'POST', '/window/new', { type: 'window' });
      })) as { handle: string };
      const tab = createTab(session, handle, inTurn);
      await tab.goto(url);
      return tab;
    },
    crash: () => Promise.reject(new Error('an automated WebKitGTK has no profile to come back to')),
    comeBack: () => Promise.reject(new Error('an automated WebKitGTK has no profile to come back to')),
    leave: async () => {
      // Ends the browser; the driver and its X server are in the process group of the child.
      await call(session, 'DELETE', '').catch(() => undefined);
      const gone = new Promise((done) => child.once('exit', done));
      process.kill(-child.pid!, 'SIGTERM');
      await gone;
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Runs when everything that was given before has ended. */
type InTurn = <T>(run: () => Promise<T>) => Promise<T>;

function createTab(session: string, handle: string, inTurn: InTurn): Tab {
  const inWindow = (method: string, path: string, body?: object): Promise<unknown> =>
    inTurn(async () => {
      await call(session, 'POST', '/window', { handle });
      return call(session, method, path, body);
    });
  return {
    goto: async (url) => void (await inWindow('POST', '/url', { url })),
    evaluate: async <A, R>(run: (arg: A) => R | Promise<R>, arg?: A) => {
      const answer = (await inWindow('POST', '/execute/async', {
        script: `const [json, done] = arguments;
          (async () => (${run})(json && JSON.parse(json)))().then(
            (value) => done({ json: JSON.stringify({ value }) }),
            (error) => done({ error: String(error) }));`,
        args: [JSON.stringify(arg) ?? ''],
      })) as { json: string; error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return (JSON.parse(answer.json) as { value: R }).value;
    },
    click: async (selector) => {
      const element = (await inWindow('POST', '/element', { using: 'css selector', value: selector })) as {
        [ELEMENT]: string;
      };
      await inWindow('POST', `/element/${element[ELEMENT]}/click`, {});
    },
    back: async () => void (await inWindow('POST', '/back', {})),
    close: async () => void (await inWindow('DELETE', '/window')),
  };
}

async function call(base: string, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(base + path, { method, ...(body && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: unknown };
  if (!response.ok) throw new Error(`WebDriver ${method} ${path}: ${JSON.stringify(value)}`);
  return value;
}

async function started(driver: string): Promise<void> {
  for (const until = Date.now() + START_TIMEOUT_MS; ; ) {
    if (
      await fetch(`${driver}/status`).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    if (Date.now() > until) throw new Error('WebKitWebDriver did not start');
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** The driver takes a port by number only. */
function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => found(port));
    });
  });
}
