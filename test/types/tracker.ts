/**
 * What the types of a tracker let pass and what they refuse. Nothing here runs: `npm run typecheck` fails when a line is refused, and when
 * one under `@ts-expect-error` is not.
 */
import { expectTypeOf } from 'vitest';
import { type AnyEvents, createTracker, type Plugin, type Tracker, type TrackerStats } from '../../src/index.js';
import { createTracker as createWorkerTracker } from '../../src/worker/index.js';

interface ShopEvents {
  'Order Completed': { total: number; coupon?: string };
  'Plan Chosen': { plan: 'free' | 'pro' };
  'Filter Changed': { colour?: string };
  'Menu Opened': undefined;
  'Search Begun': { query: string } | undefined;
}

/** An object that is no literal, so that no check for members too many hides that one is missing. */
declare const basket: { items: string[] };

export function typedEvents(): void {
  const tracker = createTracker<ShopEvents>({ endpoint: '/events' });
  expectTypeOf(tracker).toEqualTypeOf<Tracker<ShopEvents>>();
  expectTypeOf(createWorkerTracker<ShopEvents>({ endpoint: '/events' })).toEqualTypeOf<Tracker<ShopEvents>>();

  tracker.track('Order Completed', { total: 7 });
  tracker.track('Order Completed', { total: 7, coupon: 'SPRING' }, { priority: 'critical', timestamp: 0 });
  tracker.track('Plan Chosen', { plan: 'pro' });

  // @ts-expect-error a name with a slip
  tracker.track('Order Complete', { total: 7 });
  // @ts-expect-error a required property is missing
  tracker.track('Order Completed', {});
  // @ts-expect-error no properties at all
  tracker.track('Order Completed');
  // @ts-expect-error null in place of required properties
  tracker.track('Order Completed', null);
  // @ts-expect-error a property of the wrong type
  tracker.track('Order Completed', { total: '7' });
  // @ts-expect-error a property the event does not have
  tracker.track('Order Completed', { total: 7, currency: 'EUR' });
  // @ts-expect-error an object without what is required
  tracker.track('Order Completed', basket);
  // @ts-expect-error the properties of another event
  tracker.track('Plan Chosen', { total: 7 });
  // @ts-expect-error a word that is none of the union's
  tracker.track('Plan Chosen', { plan: 'gold' });
  // @ts-expect-error a name that is only known to be a text
  tracker.track('Menu Opened' as string);
}

export function eventsWithoutRequiredProperties(): void {
  const tracker = createTracker<ShopEvents>({ endpoint: '/events' });

  tracker.track('Menu Opened');
  tracker.track('Menu Opened', null, { priority: 'low' });
  tracker.track('Filter Changed');
  tracker.track('Filter Changed', { colour: 'red' });
  tracker.track('Search Begun');
  tracker.track('Search Begun', { query: 'boots' });

  // @ts-expect-error an event without properties
  tracker.track('Menu Opened', { item: 1 });
  // @ts-expect-error a property of the wrong type
  tracker.track('Filter Changed', { colour: 7 });
  // @ts-expect-error optional as a whole is not optional in its parts
  tracker.track('Search Begun', {});
}

export function eventMaps(): void {
  createTracker<{ Opened: { at: Date } }>({ endpoint: '/events' });
  // @ts-expect-error properties are an object
  createTracker<{ Opened: string }>({ endpoint: '/events' });
  // @ts-expect-error nor a number, in a worker
  createWorkerTracker<{ Opened: number }>({ endpoint: '/events' });
}

export function untypedEvents(): void {
  const tracker = createTracker({ endpoint: '/events' });
  expectTypeOf(tracker).toEqualTypeOf<Tracker<AnyEvents>>();

  tracker.track('anything');
  tracker.track('anything', { at: 1, deep: { er: [] } });
  tracker.track('anything', basket);
  // @ts-expect-error no name
  tracker.track();
  // @ts-expect-error a name that is no text
  tracker.track(7);
  // @ts-expect-error properties that are no object
  tracker.track('anything', 7);
  // @ts-expect-error a priority that is none
  tracker.track('anything', {}, { priority: 'high' });
  // @ts-expect-error a category that is none
  tracker.track('anything', {}, { category: 'track' });
}

export function otherVerbs(): void {
  const tracker = createTracker<ShopEvents>({ endpoint: '/events' });

  tracker.page({ section: 'docs' }, { timestamp: 0 });
  tracker.identify('u1', { plan: 'pro' });
  tracker.group('g1');
  tracker.setContext({ release: '2026.11', plan: undefined });
  tracker.setConsent('pending');
  expectTypeOf(tracker.stats).returns.resolves.toEqualTypeOf<TrackerStats>();
  expectTypeOf(tracker.purge).returns.resolves.toEqualTypeOf<TrackerStats>();
  expectTypeOf<TrackerStats['waiting']>().toEqualTypeOf<number | undefined>();

  // @ts-expect-error a page view has its own category
  tracker.page({}, { category: 'custom' });
  // @ts-expect-error a user id is a text
  tracker.identify(7);
  // @ts-expect-error reset takes away, setContext needs something
  tracker.setContext();
  // @ts-expect-error no consent there is
  tracker.setConsent('maybe');
}

export function options(): void {
  createTracker({ endpoint: '/events', serviceWorker: false, maxBatchAgeMs: 1_000, gpc: 'off', cookieless: true });
  // @ts-expect-error there is nothing without an endpoint
  createTracker({ key: 'shop' });
  // @ts-expect-error an option with a slip
  createTracker({ endpoint: '/events', maxBatchAge: 1_000 });
  // @ts-expect-error an option of the wrong type
  createTracker({ endpoint: '/events', maxBatchAgeMs: '1s' });
  // @ts-expect-error a policy that is none
  createTracker({ endpoint: '/events', gpc: 'deny' });
  // @ts-expect-error a worker has no service worker to look for
  createWorkerTracker({ endpoint: '/events', serviceWorker: false });
}

export function listeners(): void {
  const tracker = createTracker<ShopEvents>({ endpoint: '/events' });

  const off = tracker.on('stored', ({ seqs }) => {
    expectTypeOf(seqs).toEqualTypeOf<number[]>();
  });
  expectTypeOf(off).toEqualTypeOf<() => void>();
  tracker.on('dropped', ({ reason, seq }) => {
    expectTypeOf(reason).extract<'sampled' | 'consent'>().toEqualTypeOf<'sampled' | 'consent'>();
    expectTypeOf(seq).toEqualTypeOf<number | undefined>();
  });
  tracker.on('event', (event) => {
    event.name = 'Renamed';
    event.properties = { ...event.properties, release: 1 };
    // @ts-expect-error the number is the tracker's to give
    event.seq = 7;
    return false;
  });
  // @ts-expect-error nobody tells this
  tracker.on('sending', () => {});
  // @ts-expect-error `true` says nothing: `false` drops
  tracker.on('event', () => true);
  // @ts-expect-error a listener of another event
  tracker.on('state', ({ seqs }) => void seqs);
}

export function plugins(): void {
  const tracker = createTracker<ShopEvents>({ endpoint: '/events' });
  const release: Plugin = (any) => {
    any.track('Whatever It Is Called', { at: 1 });
    any.on('event', (event) => void event.timestamp);
  };

  tracker.use(release);
  createTracker({ endpoint: '/events' }).use(release);
  createWorkerTracker<ShopEvents>({ endpoint: '/events' }).use(release);
  // @ts-expect-error a plugin is a function, not its module
  tracker.use({ release });
  // @ts-expect-error of a tracker
  tracker.use((name: string) => void name);
}
