import { vi } from 'vitest';

/** A service worker's global scope with what Petrel uses of it. Events are dispatched by hand; what they wait for is kept. */
export function createFakeScope({ sync = true } = {}) {
  const target = new EventTarget();
  const clients = new Map<string, { id: string; visibilityState: string }>();
  const tags: string[] = [];
  const syncManager = {
    register: vi.fn(async (tag: string) => {
      tags.push(tag);
    }),
  };
  const navigator = { onLine: true, locks: undefined };
  const registration = { update: vi.fn(async () => {}), ...(sync && { sync: syncManager }) };
  const listened = vi.fn();
  const scope = {
    addEventListener(type: string, listener: EventListener) {
      listened(type);
      target.addEventListener(type, listener);
    },
    clients: {
      get: async (id: string) => clients.get(id),
      matchAll: async () => [...clients.values()],
      claim: vi.fn(),
    },
    location: { origin: 'https://site.example' },
    navigator,
    registration,
    skipWaiting: vi.fn(async () => {}),
    fetch: vi.fn(async (_url: string, _init: RequestInit) => Response.json({})),
  };

  return {
    scope: scope as unknown as ServiceWorkerGlobalScope,
    clients,
    navigator,
    registration,
    syncManager,
    tags,
    fetch: scope.fetch,
    skipWaiting: scope.skipWaiting,
    claim: scope.clients.claim,
    /** The types of event that are listened to. */
    listened: () => listened.mock.calls.flat() as string[],
    /** Dispatches an event with these members; resolves with what it waits for, undefined when it waits for nothing. */
    dispatch(type: string, members: object): { waits: Promise<unknown> | undefined; event: Event } {
      let waits: Promise<unknown> | undefined;
      const event = Object.assign(new Event(type, { cancelable: true }), {
        ...members,
        waitUntil(promise: Promise<unknown>) {
          waits = promise;
        },
      });
      target.dispatchEvent(event);
      return { waits, event };
    },
  };
}

/** A message event as a visible page of the origin posts it, with a port that collects the answers. */
export function messageFrom(scope: ReturnType<typeof createFakeScope>, data: unknown, members: object = {}) {
  scope.clients.set('page-1', { id: 'page-1', visibilityState: 'visible' });
  const answers: unknown[] = [];
  return {
    answers,
    ...scope.dispatch('message', {
      data,
      origin: 'https://site.example',
      source: { id: 'page-1' },
      ports: [{ postMessage: (answer: unknown) => answers.push(answer) }],
      ...members,
    }),
  };
}
