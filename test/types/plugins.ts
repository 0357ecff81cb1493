/** What the types of the plugins let pass and what they refuse; see tracker.ts. */
import { type } from 'arktype';
import * as v from 'valibot';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { createTracker, type Plugin, type Tracker } from '../../src/index.js';
import { links } from '../../src/plugins/links.js';
import { pageViews } from '../../src/plugins/page-views.js';
import { type EventsOf, type StandardSchema, schema } from '../../src/plugins/schema.js';
import { withProperties } from '../../src/plugins/with-properties.js';

interface PlayerEvents {
  Played: { title: string; component: string };
  Paused: { component: 'player' | 'advert' };
  Ended: undefined;
}

export function trackersWithProperties(): void {
  const tracker = createTracker<PlayerEvents>({ endpoint: '/events' });
  const player = withProperties(tracker, { component: 'player' as const });

  // What is given need not be said again, but may be.
  player.track('Played', { title: 'one' });
  player.track('Played', { title: 'one', component: 'advert' });
  player.track('Paused');
  player.track('Ended');
  withProperties(player, { title: 'two' }).track('Played');
  player.use(links());

  // @ts-expect-error what is not given is still required
  player.track('Played');
  // @ts-expect-error nor does it lose its type
  player.track('Played', { title: 7 });
  // @ts-expect-error nor does what is given
  player.track('Paused', { component: 'cinema' });
  // @ts-expect-error a name there is not
  player.track('Stopped');
  // @ts-expect-error properties are an object
  withProperties(tracker, 'player');
  // @ts-expect-error the tracker itself has not got them
  tracker.track('Paused');
}

export function untypedTrackersWithProperties(): void {
  const tracker = withProperties(createTracker({ endpoint: '/events' }), { component: 'player' });

  tracker.track('anything');
  tracker.track('anything', { at: 1 });
  // @ts-expect-error properties are an object
  tracker.track('anything', 7);
}

export function optionsOfPlugins(): void {
  expectTypeOf(pageViews).returns.toEqualTypeOf<Plugin>();
  expectTypeOf(links).returns.toEqualTypeOf<Plugin>();
  pageViews({ query: ['q'], hash: 'none' });
  // @ts-expect-error an option that is none
  pageViews({ queries: ['q'] });
  // @ts-expect-error a word that is none
  pageViews({ hash: 'some' });
  // @ts-expect-error one text in place of several
  links({ ownHosts: 'example.org' });
}

/** The same of each library. */
const schemas = {
  Zod: z.object({ total: z.number(), coupon: z.string().optional() }),
  Valibot: v.object({ total: v.number(), coupon: v.optional(v.string()) }),
  ArkType: type({ total: 'number', 'coupon?': 'string' }),
  Changed: z.object({ at: z.string().transform((text) => new Date(text)) }),
};

export function schemasOfLibraries(): void {
  schema({ events: schemas });
  // @ts-expect-error the schemas are what it is for
  schema({});
  // @ts-expect-error what is no Standard Schema
  schema({ events: { Order: { total: 'number' } } });
  // @ts-expect-error a word that is none
  schema({ events: schemas, unknown: 'drop' });

  expectTypeOf<z.ZodType<{ total: number }>>().toExtend<StandardSchema>();
  expectTypeOf<v.GenericSchema<{ total: number }>>().toExtend<StandardSchema>();
}

export function eventsOfSchemas(): void {
  type Events = EventsOf<typeof schemas>;
  expectTypeOf<Events['Zod']>().toEqualTypeOf<{ total: number; coupon?: string | undefined }>();
  expectTypeOf<Events['Valibot']>().toEqualTypeOf<{ total: number; coupon?: string | undefined }>();
  expectTypeOf<Events['ArkType']>().toEqualTypeOf<{ total: number; coupon?: string }>();
  // What a schema takes, not what it makes of it.
  expectTypeOf<Events['Changed']>().toEqualTypeOf<{ at: string }>();

  const tracker: Tracker<Events> = createTracker<Events>({ endpoint: '/events' });
  tracker.use(schema({ events: schemas }));
  for (const name of ['Zod', 'Valibot', 'ArkType'] as const) {
    tracker.track(name, { total: 7 });
    // @ts-expect-error a property of the wrong type
    tracker.track(name, { total: '7' });
    // @ts-expect-error no properties
    tracker.track(name);
  }
  // @ts-expect-error a name without a schema
  tracker.track('Yup', { total: 7 });
}
