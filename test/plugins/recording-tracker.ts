import type { Plugin, Properties, Tracker, TrackOptions } from '../../src/page/api.js';

/** What a plugin tracked. */
export interface Tracked extends TrackOptions {
  name: string;
  properties: Properties;
}

/** A tracker that writes down what it is given, and calls its listeners as the real one does. */
export function createRecordingTracker() {
  const events: Tracked[] = [];
  const listeners: { [type: string]: Set<(detail: unknown) => unknown> } = {};
  const emit = (type: string, detail?: unknown) => {
    for (const listener of listeners[type] ?? []) listener(detail);
  };
  /** What `setConsent('denied')` does: nothing is taken, and the plugins are not asked. */
  let isTaking = true;

  const track = (name: string, properties?: Properties | null, options?: TrackOptions) => {
    if (!isTaking) return;
    emit('event', { name, properties, timestamp: options?.timestamp ?? Date.now() });
    events.push({ name, properties: { ...properties }, ...options });
  };
  const tracker = {
    track,
    page: (properties?: Properties | null, options?: TrackOptions) =>
      track('page', properties, { ...options, category: 'page' }),
    on(type: string, listener: (detail: never) => unknown) {
      listeners[type] ??= new Set();
      listeners[type].add(listener as (detail: unknown) => unknown);
      return () => listeners[type]!.delete(listener as (detail: unknown) => unknown);
    },
    use: (plugin: Plugin) => plugin(tracker),
    close: () => emit('close'),
  } as unknown as Tracker;

  return {
    tracker,
    events,
    emit,
    named: (name: string) => events.filter((event) => event.name === name),
    take: (taking: boolean) => {
      isTaking = taking;
    },
  };
}
