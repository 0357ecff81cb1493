import type { EventMap, Properties, Tracker } from '../page/api.js';

/** Events whose properties are partly given already: those are optional. */
export type Bound<Events, Given> = {
  [Name in keyof Events]: Events[Name] extends object
    ? Omit<Events[Name], keyof Given> & Partial<Pick<Events[Name], keyof Given & keyof Events[Name]>>
    : Events[Name];
};

/**
 * A tracker for a part of the page: what it tracks has these properties as well; those of the call win. Everything else is the given
 * tracker's: queue, numbers, user, plugins, consent. Closing one closes both. Can be done again with the result.
 *
 * For what describes the whole page, `tracker.setContext` is cheaper: it is sent once per batch.
 *
 * @example
 * ```ts
 * const player = withProperties(tracker, { component: 'player' });
 * player.track('Played', { title });
 * ```
 */
export function withProperties<Events extends EventMap<Events>, Given extends object>(
  tracker: Tracker<Events>,
  properties: Given,
): Tracker<Bound<Events, Given>> {
  // What is no object is left for the tracker to refuse and count.
  const add = (own?: object | null) =>
    (typeof (own ?? {}) === 'object' ? { ...properties, ...own } : own) as Properties;
  const { track, page } = tracker as Tracker;
  return {
    ...(tracker as Tracker),
    track: (name: string, own, options) => track(name, add(own), options),
    page: (own, options) => page(add(own), options),
  } as Tracker<Bound<Events, Given>>;
}
