import type { Plugin } from '../page/api.js';
import { callback, checkOptions, flag, oneOf, type Rule } from './lib/check-options.js';

/** The part of Standard Schema that is used here. @see https://standardschema.dev */
export interface StandardSchema<Input = unknown> {
  readonly '~standard': {
    /** There for the compiler alone: what the schema takes. */
    readonly types?: { readonly input: Input } | undefined;
    /** Looks at a value. A promise is a problem: the event cannot wait for it. */
    readonly validate: (value: unknown) => StandardResult | Promise<StandardResult>;
  };
}

/** What a Standard Schema answers: no `issues`, or what is wrong. */
export interface StandardResult {
  readonly issues?:
    | readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[]
    | undefined;
}

/**
 * The events of a tracker whose properties are described by schemas: names and properties are then written once, and checked when the
 * site is built as well as while it runs. `Schemas` is the type of what {@link SchemaOptions.events} gets; properties are what a schema
 * takes, before it changes anything.
 *
 * @example
 * ```ts
 * const events = { 'Order Completed': z.object({ total: z.number() }) };
 * const tracker = createTracker<EventsOf<typeof events>>({ endpoint: '/events' });
 * ```
 */
export type EventsOf<Schemas extends { readonly [name: string]: StandardSchema }> = {
  [Name in keyof Schemas]: Schemas[Name] extends StandardSchema<infer Input>
    ? Extract<Input, object | undefined>
    : never;
};

/** What a schema found. */
export interface SchemaProblem {
  /** The event's. */
  name: string;
  /** A sentence each, with the path of the property. */
  problems: string[];
}

/** Options of {@link schema}. */
export interface SchemaOptions {
  /** For each event name a schema of its properties: of zod, valibot, arktype, or any other library with Standard Schema. */
  events: { readonly [name: string]: StandardSchema };
  /**
   * What is done with an event whose name has no schema. `report` tells, as of wrong properties.
   * @defaultValue 'allow'
   */
  unknown?: 'allow' | 'report';
  /**
   * Whether an event with a problem is dropped, counted as `plugin`. Otherwise it goes as it is.
   * @defaultValue false
   */
  drop?: boolean;
  /**
   * Is told each problem.
   * @defaultValue writes it to the console, as an error
   */
  onProblem?: (problem: SchemaProblem) => void;
}

const rules: { [option: string]: Rule } = {
  events: [
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every(
        (item) => typeof (item as StandardSchema | null)?.['~standard']?.validate === 'function',
      ),
    'an object of Standard Schemas by event name',
  ],
  unknown: oneOf('allow', 'report'),
  drop: flag,
  onProblem: callback,
};

/**
 * Checks the properties of events against schemas while the site runs, beside the types that check them when it is built. Meant for
 * development and tests; in production it costs what the validator costs.
 *
 * Events are not changed: what a schema makes of its input is not used. A schema that can only be asked asynchronously is a problem.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 * @see https://standardschema.dev
 * @example
 * ```ts
 * if (import.meta.env.DEV) {
 *   const { schema } = await import('petrel/plugins/schema');
 *   tracker.use(schema({ events: { 'Order Completed': z.object({ total: z.number() }) } }));
 * }
 * ```
 */
export function schema(options: SchemaOptions): Plugin {
  checkOptions('schema', options, rules);
  if (!options.events) throw new TypeError('petrel/plugins/schema: `events` is missing');
  const { events, unknown = 'allow', drop = false, onProblem = report } = options;

  return (tracker) => {
    tracker.on('event', ({ name, properties }) => {
      const known = Object.hasOwn(events, name) ? events[name] : undefined;
      const problems = known ? problemsOf(known, properties ?? {}) : unknown === 'report' ? ['has no schema'] : [];
      if (problems.length === 0) return undefined;
      try {
        onProblem({ name, problems });
      } catch {
        // The decision below stands, whatever it does.
      }
      return drop ? false : undefined;
    });
  };
}

function problemsOf(known: StandardSchema, properties: object): string[] {
  try {
    const result = known['~standard'].validate(properties);
    if (result instanceof Promise) {
      result.catch(() => {});
      return ['its schema answers asynchronously'];
    }
    return (result.issues ?? []).map(({ message, path = [] }) => {
      const where = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
      return where ? `${where}: ${message}` : message;
    });
  } catch (error) {
    return [`its schema threw ${String(error)}`];
  }
}

function report({ name, problems }: SchemaProblem): void {
  console.error(`petrel: event "${name}"`, ...problems);
}
