import { describe, expect, it } from 'vitest';
import { FORMATS, mergeSettings, parseFlags } from '../../../bin/collect/settings.mjs';
import { FORMAT_NAMES } from '../../../src/server/decoders/index.js';

function settings(argv: string[], env: Record<string, string> = {}, config?: Record<string, unknown>) {
  return mergeSettings({
    flags: parseFlags(argv),
    env,
    file: config && { path: 'petrel.config.json', config },
  });
}

describe('the settings of a collector', () => {
  it('are empty when nobody says anything', () => {
    expect(settings([])).toEqual({ config: {}, from: new Map(), unknown: [] });
  });

  it('come from flags before the environment, and from there before the file', () => {
    const file = { port: 1, host: 'a', db: 'file.db', limits: { maxEvents: 100 } };
    const env = { PETREL_PORT: '2', PETREL_HOST: 'b', PETREL_LIMITS_MAX_EVENTS: '200' };

    const { config, from } = settings(['--port', '3'], env, file);

    expect(config).toEqual({ port: 3, host: 'b', db: 'file.db', limits: { maxEvents: 200 } });
    expect(Object.fromEntries(from)).toEqual({
      port: '--port',
      host: 'PETREL_HOST',
      db: '`db` in petrel.config.json',
      'limits.maxEvents': 'PETREL_LIMITS_MAX_EVENTS',
    });
  });

  it('take lists by one flag for each entry, by commas, and as lists', () => {
    expect(settings(['--key', 'a', '--key', 'b,c']).config.keys).toEqual(['a', 'b,c']);
    expect(settings([], { PETREL_KEYS: 'a, b' }).config.keys).toEqual(['a', 'b']);
    expect(settings([], {}, { keys: ['a', 'b'] }).config.keys).toEqual(['a', 'b']);
    expect(settings(['--origin', '*']).config.origins).toBe('*');
    expect(settings(['--origin', 'https://a.example']).config.origins).toEqual(['https://a.example']);
  });

  it('take formats by flags, by commas, and none', () => {
    expect(FORMATS).toEqual(FORMAT_NAMES);
    expect(settings(['--formats', 'segment,otlp', '--formats', 'ndjson']).config.formats).toEqual([
      'segment',
      'otlp',
      'ndjson',
    ]);
    expect(settings([], { PETREL_FORMATS: 'otlp' }, { formats: [] }).config.formats).toEqual(['otlp']);
    expect(settings(['--formats', 'none']).config.formats).toEqual([]);
    expect(settings([], {}, { formats: [] }).config.formats).toEqual([]);
  });

  it('take an empty variable for one that is not set', () => {
    expect(settings([], { PETREL_PORT: '' }, { port: 5 }).config).toEqual({ port: 5 });
  });

  it('name variables that look like settings, and leave those of others alone', () => {
    const { unknown } = settings([], { PETREL_KYES: 'a', PETREL_DEMO_PORT: '1', PETREL_CONFIG: 'x', HOME: '/' });

    expect(unknown).toEqual(['PETREL_KYES']);
  });

  it('let a sink given by a flag go before a database in the file', () => {
    expect(settings(['--sink', 'other.db'], {}, { db: 'file.db' }).config).toEqual({ sink: 'other.db' });
    expect(settings([], { PETREL_DB: 'env.db' }, { sink: 'file.db' }).config).toEqual({ db: 'env.db' });
  });

  it.each<[string, string[], Record<string, string>, Record<string, unknown> | undefined]>([
    ['--port must be a whole number, not "http"', ['--port', 'http'], {}, undefined],
    ['--port must be a whole number, not "-1"', ['--port=-1'], {}, undefined],
    [
      'PETREL_PORT must be a whole number, not "tcp://10.0.0.1:80"',
      [],
      { PETREL_PORT: 'tcp://10.0.0.1:80' },
      undefined,
    ],
    ['PETREL_KEYS has an entry that is empty', [], { PETREL_KEYS: 'a,,b' }, undefined],
    ['--key has an entry that is empty', ['--key', ''], {}, undefined],
    [
      '--formats must be some of segment, cloudevents, otlp, ndjson, or none, not "xml"',
      ['--formats', 'otlp,xml'],
      {},
      undefined,
    ],
    ['PETREL_FORMATS must be some of', [], { PETREL_FORMATS: 'none,otlp' }, undefined],
    ['`formats` in petrel.config.json must be some of', [], {}, { formats: [1] }],
    ['--log-level must be one of debug, info, warn, error, not "loud"', ['--log-level', 'loud'], {}, undefined],
    ['--db must not be empty', ['--db', ''], {}, undefined],
    ['--db and --sink exclude each other: give one', ['--db', 'a.db', '--sink', 'b.db'], {}, undefined],
    ['`db` in petrel.config.json and `sink` in petrel.config.json exclude', [], {}, { db: 'a.db', sink: 'b.db' }],
    ["Unknown option '--prot'", ['--prot', '1'], {}, undefined],
    ['`prot` in petrel.config.json is not a setting', [], {}, { prot: 1 }],
    ['`limits.maxEvnts` in petrel.config.json is not a setting', [], {}, { limits: { maxEvnts: 1 } }],
    ['`limits` in petrel.config.json must be an object', [], {}, { limits: 5 }],
    ['`port` in petrel.config.json must be a number, not "8787"', [], {}, { port: '8787' }],
    ['`keys` in petrel.config.json must be a list, not "a"', [], {}, { keys: 'a' }],
    ['`host` in petrel.config.json must not be empty', [], {}, { host: '' }],
    ['`logLevel` in petrel.config.json must be one of', [], {}, { logLevel: 'loud' }],
  ])('that are wrong are refused by the name of who said it: %s', (problem, argv, env, file) => {
    expect(() => settings(argv, env, file)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    expect(() => settings(argv, env, file)).toThrow(problem);
  });
});
