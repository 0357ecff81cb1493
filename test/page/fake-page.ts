import { onTestFinished, vi } from 'vitest';
import type { Tracker } from '../../src/page/api.js';
import type { LoadRegister } from '../../src/page/host.js';
import type { TrackerOptions } from '../../src/page/options.js';
import { openTracker } from '../../src/page/tracker.js';
import type { EventsMessage, HostMessage, PageMessage } from '../../src/protocol.js';

/** A message that the page posted, with its port. */
export interface Posted {
  message: PageMessage;
  answer(answer: HostMessage): void;
}

/** A request that the page made by itself. */
export interface Sent {
  by: 'fetch' | 'beacon';
  body: { origins: { source: string; context: unknown }[]; events: unknown[][]; [key: string]: unknown };
  /** Ends the request of a fetch. */
  end(ok: boolean): Promise<void>;
}

export interface FakePageOptions {
  /** The address. */
  url?: string;
  /** Whether a worker of an earlier visit is there. Without one, `load` makes it. */
  worker?: boolean;
  readyState?: DocumentReadyState;
  prerendering?: boolean;
  gpc?: boolean;
}

/**
 * A page and its worker, as far as the tracker sees them: globals in place of a browser's, time that stands still until it is
 * advanced, a worker that answers when it is told to.
 */
export function createFakePage({
  url = 'https://shop.example/a?b=1',
  worker = true,
  readyState = 'complete',
  prerendering = false,
  gpc,
}: FakePageOptions = {}) {
  // The end of a task is real.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.UTC(2026, 0, 1) });
  const window = new EventTarget();
  const navigation = new EventTarget();
  const document = { hidden: false, title: 'A', referrer: 'https://search.example/', readyState, prerendering };
  const location = { href: url };
  const posted: Posted[] = [];
  const sent: Sent[] = [];
  /** What the page logged. */
  const logged: unknown[][] = [];
  let beaconsTaken = true;
  let answering: ((message: PageMessage) => HostMessage | undefined) | undefined;

  class FakeMessageChannel {
    port1: { onmessage?: (event: { data: unknown }) => void } = {};
    port2 = { post: (data: unknown) => this.port1.onmessage?.({ data }) };
  }
  const active = {
    postMessage(message: PageMessage, [port]: [FakeMessageChannel['port2']]) {
      const post = { message: structuredClone(message), answer: (answer: HostMessage) => port.post(answer) };
      posted.push(post);
      const answer = answering?.(post.message);
      if (answer) queueMicrotask(() => post.answer(answer));
    },
  };
  const registration = { active, scope: new URL('/petrel-sw/', url).href };

  const globals = {
    window: Object.assign(window, { navigation }),
    document,
    location,
    navigator: {
      globalPrivacyControl: gpc,
      serviceWorker: { getRegistration: async () => (worker ? registration : undefined) },
      sendBeacon(_: string, body: string) {
        if (beaconsTaken) sent.push({ by: 'beacon', body: JSON.parse(body), end: async () => {} });
        return beaconsTaken;
      },
    },
    addEventListener: window.addEventListener.bind(window),
    MessageChannel: FakeMessageChannel,
    fetch: (_: string, { body }: { body: string }) =>
      new Promise((resolve) => {
        const end = async (ok: boolean) => {
          resolve({ ok, text: async () => '' });
          await tasks();
        };
        sent.push({ by: 'fetch', body: JSON.parse(body), end });
      }),
  };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  vi.spyOn(console, 'debug').mockImplementation((...args) => void logged.push(args));
  onTestFinished(async () => {
    // All trackers of a page have one budget for such requests.
    for (const { end } of sent) await end(true);
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  /** Where a host is made when there is none. The module itself is tested in browsers. */
  const load = vi.fn(async () => ({
    createHost: async (createWorkerHost: (registration: never) => unknown) => createWorkerHost(registration as never),
  }));

  const fire = (type: string) => void window.dispatchEvent(new Event(type));
  const events = () => posted.filter((post) => post.message.type === 'events');

  return {
    document,
    location,
    posted,
    sent,
    logged,
    load,
    fire,
    create: (options: Partial<TrackerOptions> = {}): Tracker =>
      openTracker({ endpoint: '/events', ...options }, load as unknown as LoadRegister),
    /** The messages of one type, in order. */
    messages: <Type extends PageMessage['type']>(type: Type) =>
      posted.map(({ message }) => message).filter((message) => message.type === type) as Extract<
        PageMessage,
        { type: Type }
      >[],
    /** The names in each `events` message. */
    names: () => events().map(({ message }) => (message as EventsMessage).events.map(([, , , name]) => name)),
    sentNames: () => sent.map(({ body }) => body.events.map(([, , , name]) => name)),
    /** From now on, the worker answers each message at the end of its task. Default: that it is stored. */
    answerAll(answer: (message: PageMessage) => HostMessage | undefined = () => ({ type: 'stored' })) {
      answering = answer;
    },
    stopAnswering() {
      answering = undefined;
    },
    refuseBeacons() {
      beaconsTaken = false;
    },
    hide() {
      document.hidden = true;
      fire('visibilitychange');
    },
    show() {
      document.hidden = false;
      fire('visibilitychange');
    },
    /** As all engines do when a page is left. */
    leave() {
      fire('pagehide');
      document.hidden = true;
      fire('visibilitychange');
    },
    navigate: () => void navigation.dispatchEvent(new Event('navigate')),
    listenersGone() {
      const before = posted.length + sent.length;
      for (const type of ['click', 'submit', 'visibilitychange', 'pagehide', 'online', 'prerenderingchange'])
        fire(type);
      return posted.length + sent.length === before;
    },
    timers: () => vi.getTimerCount(),
  };
}

/** Lets what is resolved take effect. */
export async function tasks(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Lets time pass. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await tasks();
}
