import type { AnyEvents } from '../../src/page/api.js';
import type { HostMessage, PageMessage } from '../../src/protocol.js';
import type { WorkerHost } from '../../src/worker/host.js';
import type { WorkerTrackerOptions } from '../../src/worker/options.js';
import { openWorkerTracker } from '../../src/worker/tracker.js';

type Answer = (message: PageMessage) => HostMessage[];

/** Stores what it is told, and answers at once. */
export const obliging: Answer = ({ type }) =>
  type === 'flush'
    ? [{ type: 'flushed', result: { delivered: 0, dropped: 0, remaining: 0 } }]
    : type === 'watch'
      ? []
      : type === 'stats'
        ? [{ type: 'stats', stats: { accepted: 1 } as never }]
        : [{ type: 'stored' }];

/** A tracker in a worker that is not one, before a host that answers as it is told to. */
export function setup(options: Partial<WorkerTrackerOptions> = {}, { gpc = false } = {}) {
  const messages: PageMessage[] = [];
  const replies: ((answer: HostMessage) => void)[] = [];
  let answer: Answer = obliging;
  let opened = 0;
  let closed = 0;
  let online = () => {};
  const tracker = openWorkerTracker<AnyEvents>(
    { endpoint: 'https://collect.example/in', ...options },
    {
      href: 'https://shop.example/worker.js',
      gpc,
      openHost(): WorkerHost {
        opened++;
        return {
          post(message, reply) {
            const copy = structuredClone(message);
            messages.push(copy);
            replies.push(reply);
            for (const each of answer(copy)) reply(each);
          },
          async close() {
            closed++;
          },
        };
      },
      onOnline(listener) {
        online = listener;
        return () => {
          online = () => {};
        };
      },
    },
  );
  return {
    tracker,
    messages,
    replies,
    /** How the host answers from now on. */
    answer: (how: Answer) => {
      answer = how;
    },
    online: () => online(),
    opened: () => opened,
    closed: () => closed,
    /** The events in the messages, `seq name`. */
    posted: () =>
      messages
        .flatMap((message) => (message.type === 'events' ? message.events : []))
        .map(([, seq, , name]) => `${seq} ${name}`),
  };
}

/** Lets microtasks run. */
export const turn = () => Promise.resolve().then(() => Promise.resolve());
