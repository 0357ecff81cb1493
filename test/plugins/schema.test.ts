import { type } from 'arktype';
import * as v from 'valibot';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type SchemaOptions, type SchemaProblem, schema } from '../../src/plugins/schema.js';
import { createFakePage, tasks } from '../page/fake-page.js';

const schemas = {
  zod: z.object({ total: z.number(), items: z.array(z.object({ sku: z.string() })).optional() }),
  valibot: v.object({ total: v.number(), items: v.optional(v.array(v.object({ sku: v.string() }))) }),
  arktype: type({ total: 'number', 'items?': type({ sku: 'string' }).array() }),
};

function setup(options: Omit<SchemaOptions, 'events'> & { events?: SchemaOptions['events'] }) {
  const page = createFakePage();
  const tracker = page.create();
  const problems: SchemaProblem[] = [];
  tracker.use(schema({ events: {}, onProblem: (problem) => void problems.push(problem), ...options }));
  return { page, tracker, problems };
}

afterEach(() => vi.restoreAllMocks());

describe('the schema plugin', () => {
  it.each(Object.entries(schemas))('tells what is wrong, by a schema of %s', async (_, ofOrder) => {
    const { page, tracker, problems } = setup({ events: { Order: ofOrder } });

    tracker.track('Order', { total: 1, items: [{ sku: 'a' }] });
    tracker.track('Order', { total: 'much' });
    tracker.track('Order', { total: 1, items: [{ sku: 7 }] });
    tracker.track('Order');
    tracker.track('Another', { total: 'much' });
    await tasks();

    expect(problems.map(({ name }) => name)).toEqual(['Order', 'Order', 'Order']);
    expect(problems[0]!.problems).toEqual([expect.stringContaining('total')]);
    expect(problems[1]!.problems[0]).toMatch(/^items\.0\.sku: /);
    expect(page.names()).toEqual([['Order', 'Order', 'Order', 'Order', 'Another']]);
  });

  it('drops events with problems, when it is told to', async () => {
    const { page, tracker } = setup({ events: { Order: schemas.zod }, drop: true });

    tracker.track('Order', { total: 'much' });
    tracker.track('Order', { total: 1 });
    await tasks();

    expect(page.messages('events')[0]!.events.map((row) => row[4])).toEqual([{ total: 1 }]);
    tracker.close();
    expect((await tracker.stats()).page.dropped).toEqual({ plugin: 1 });
  });

  it('reports names that have no schema, when it is told to', () => {
    const { tracker, problems } = setup({ unknown: 'report' });

    tracker.track('constructor');

    expect(problems).toEqual([{ name: 'constructor', problems: ['has no schema'] }]);
  });

  it.each([
    ['answers asynchronously', () => Promise.reject(new Error('late')), 'its schema answers asynchronously'],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'its schema threw Error: broken',
    ],
  ])('says so when a schema %s', async (_, validate, problem) => {
    const { page, tracker, problems } = setup({ events: { Order: { '~standard': { validate } } } });

    tracker.track('Order');
    await tasks();

    expect(problems).toEqual([{ name: 'Order', problems: [problem] }]);
    expect(page.names()).toEqual([['Order']]);
  });

  it('writes to the console by default', () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const page = createFakePage();
    page.create().use(schema({ events: {} }));
    page.create().use((tracker) => {
      tracker.use(schema({ events: { Order: schemas.zod } }));
      tracker.track('Order', {});
    });

    expect(error).toHaveBeenCalledExactlyOnceWith('petrel: event "Order"', expect.stringContaining('total'));
  });

  it.each([
    [undefined, 'options'],
    [{}, 'events'],
    [{ events: { Order: {} } }, 'events'],
    [{ events: {}, drop: 1 }, 'drop'],
    [{ events: {}, unknown: 'drop' }, 'unknown'],
    [{ events: {}, onProblem: 1 }, 'onProblem'],
    [{ event: {} }, 'event'],
  ])('refuses %j', (options, named) => {
    expect(() => schema(options as never)).toThrow(named);
  });
});
