import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { killBrowser } from './processes.js';
import type { Tab, Visitor } from './visitor.js';

/** Where Debian puts it, and what others call it. */
const FIREFOX = [process.env.PETREL_FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'];

const PREFERENCES = {
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'browser.tabs.warnOnClose': false,
};

/** What Firefox itself says when a policy forbids a worker, or a script is not the one of its hash: no page can prevent it. */
const OWN_WORDS = /^Content-Security-Policy|^None of the “sha\d+” hashes in the integrity attribute/;

/**
 * Longest Firefox may take to start, in milliseconds, and then to begin a session: the first start of a new profile takes up to 9 s on
 * two idle cores, and several times that on busy ones.
 */
const START_TIMEOUT_MS = 60_000;

/** Longest a command may take, in milliseconds. One that is cut short by a navigation is sometimes never answered. */
const COMMAND_TIMEOUT_MS = 20_000;

export function findFirefox(): string | undefined {
  return FIREFOX.find((path) => path !== undefined && existsSync(path));
}

/**
 * Firefox over WebDriver BiDi, spoken directly: Playwright drives only its own build of Firefox, and through its BiDi channel going back
 * into the back/forward cache hangs.
 */
export async function createFirefoxVisitor(): Promise<Visitor> {
  const profile = mkdtempSync(join(tmpdir(), 'petrel-firefox-'));
  const complaints: string[] = [];
  writeFileSync(
    join(profile, 'user.js'),
    Object.entries(PREFERENCES)
      .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
      .join(''),
  );
  let bidi = await launch();

  async function launch(): Promise<Bidi> {
    const binary = findFirefox();
    if (!binary) throw new Error('There is no Firefox; PETREL_FIREFOX can name one.');
    const child = spawn(binary, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
    });
    const address = await new Promise<string>((found, failed) => {
      const timer = setTimeout(() => failed(new Error(`Firefox did not start:\n${said}`)), START_TIMEOUT_MS);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk;
        const address = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(said)?.[1];
        if (!address) return;
        clearTimeout(timer);
        found(address);
      });
    });
    const connected = await connectBidi(`${address}/session`);
    await connected.send('session.new', { capabilities: {} }, START_TIMEOUT_MS);
    await connected.send('session.subscribe', { events: ['log.entryAdded'] });
    connected.on('log.entryAdded', ({ level, type, text }) => {
      if (OWN_WORDS.test(String(text))) return;
      // `javascript` is an uncaught error or rejection of the page; the rest of the browser's own words come with no type of ours.
      if (level === 'error' && (type === 'javascript' || type === 'console')) complaints.push(String(text));
    });
    return connected;
  }

  return {
    engine: 'firefox',
    complaints,
    open: async (url) => {
      const { context } = await bidi.send('browsingContext.create', { type: 'tab' });
      const tab = createTab(bidi, String(context));
      await tab.goto(url);
      return tab;
    },
    crash: async () => {
      killBrowser(profile);
      await bidi.closed;
    },
    comeBack: async () => {
      bidi = await launch();
    },
    leave: async () => {
      killBrowser(profile);
      await bidi.closed;
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

function createTab(bidi: Bidi, context: string): Tab {
  const evaluate = async <A, R>(run: (arg: A) => R | Promise<R>, arg?: A): Promise<R> => {
    const answer = await bidi.send('script.callFunction', {
      // JSON in and out: BiDi's own form of values is ten times as long to read.
      functionDeclaration: `async (json) => JSON.stringify({ value: await (${run})(json && JSON.parse(json)) })`,
      arguments: [{ type: 'string', value: JSON.stringify(arg) ?? '' }],
      awaitPromise: true,
      target: { context },
    });
    const { result, exceptionDetails } = answer as {
      result?: { value: string };
      exceptionDetails?: { text: string };
    };
    if (!result) throw new Error(exceptionDetails?.text ?? 'the page threw');
    return (JSON.parse(result.value) as { value: R }).value;
  };

  return {
    goto: async (url) => void (await bidi.send('browsingContext.navigate', { context, url, wait: 'complete' })),
    evaluate,
    click: async (selector) => {
      const { nodes } = (await bidi.send('browsingContext.locateNodes', {
        context,
        locator: { type: 'css', value: selector },
        maxNodeCount: 1,
      })) as { nodes: { sharedId: string }[] };
      if (!nodes[0]) throw new Error(`nothing to click at ${selector}`);
      const origin = { type: 'element', element: { sharedId: nodes[0].sharedId } };
      await bidi.send('input.performActions', {
        context,
        actions: [
          {
            type: 'pointer',
            id: 'mouse',
            actions: [
              { type: 'pointerMove', x: 0, y: 0, origin },
              { type: 'pointerDown', button: 0 },
              { type: 'pointerUp', button: 0 },
            ],
          },
        ],
      });
    },
    back: async () => {
      const before = await evaluate(() => location.href);
      await evaluate(() => void setTimeout(() => history.back(), 0));
      // No event of BiDi tells of a page that comes out of the back/forward cache.
      for (let tries = 0; ; tries++) {
        const there = await evaluate(() => ({ href: location.href, ready: document.readyState })).catch(
          () => undefined,
        );
        if (there && there.href !== before && there.href !== 'about:blank' && there.ready === 'complete') return;
        if (tries > 200) throw new Error(`still at ${before} after going back`);
        await new Promise((done) => setTimeout(done, 50));
      }
    },
    close: async () => void (await bidi.send('browsingContext.close', { context, promptUnload: false })),
  };
}

interface Bidi {
  send(method: string, params: object, withinMs?: number): Promise<{ [member: string]: unknown }>;
  on(event: string, listener: (params: { [member: string]: unknown }) => void): void;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
}

async function connectBidi(address: string): Promise<Bidi> {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  const pending = new Map<number, { done(result: never): void; failed(error: Error): void }>();
  const listeners = new Map<string, (params: { [member: string]: unknown }) => void>();
  let id = 0;
  const closed = new Promise<void>((done) =>
    socket.on('close', () => {
      for (const { failed } of pending.values()) failed(new Error('the browser is gone'));
      done();
    }),
  );
  await new Promise((open, failed) => {
    socket.once('open', open);
    socket.once('error', failed);
  });
  // A browser that is killed ends the connection with an error; `close` follows.
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.type === 'event') return listeners.get(message.method)?.(message.params);
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if (message.type === 'success') waiting?.done(message.result as never);
    else waiting?.failed(new Error(`${message.error}: ${message.message}`));
  });
  return {
    closed,
    on: (event, listener) => void listeners.set(event, listener),
    send: (method, params, withinMs = COMMAND_TIMEOUT_MS) =>
      new Promise((done, failed) => {
        const timer = setTimeout(() => failed(new Error(`no answer to ${method}`)), withinMs);
        pending.set(++id, {
          done: (result) => {
            clearTimeout(timer);
            done(result);
          },
          failed: (error) => {
            clearTimeout(timer);
            failed(error);
          },
        });
        socket.send(JSON.stringify({ id, method, params }));
      }),
  };
}
