import { describe, expect, it } from 'vitest';
import { createLog, createRequestLog, tell } from '../../../bin/collect/log.mjs';

function setUp(level: 'debug' | 'info' | 'warn' | 'error' = 'debug') {
  const lines: Record<string, unknown>[] = [];
  let time = 1_700_000_000_000;
  const now = () => time;
  const log = createLog(level, { write: (line) => lines.push(JSON.parse(line)), now });
  return {
    lines,
    log,
    request: createRequestLog(log, { now }),
    pass: (ms: number) => {
      time += ms;
    },
  };
}

const record = (status: number) => ({ id: 'r', method: 'POST', path: '/', status, ms: 1 });

describe('the log', () => {
  it('is a line of JSON for each thing, with its time', () => {
    const { log, lines } = setUp();

    log.info('a "quoted"\nline', { count: 1 });

    expect(lines).toEqual([{ time: '2023-11-14T22:13:20.000Z', level: 'info', message: 'a "quoted"\nline', count: 1 }]);
  });

  it('leaves out what matters less than it is told', () => {
    const { log, lines } = setUp('warn');

    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level);

    expect(lines.map(({ level }) => level)).toEqual(['warn', 'error']);
  });

  it('logs requests by how they ended', () => {
    const { request, lines } = setUp();

    for (const status of [200, 401, 429, 503]) request(record(status));

    expect(lines.map(({ level, status }) => [level, status])).toEqual([
      ['debug', 200],
      ['info', 401],
      ['info', 429],
      ['error', 503],
    ]);
  });

  it('does not make a flood of lines from a flood of refused requests, and counts what it leaves out', () => {
    const { request, lines, pass } = setUp('info');

    for (let i = 0; i < 1_000; i++) request(record(401));
    pass(1_000);
    request(record(401));

    expect(lines).toHaveLength(52);
    expect(lines[50]).toMatchObject({ level: 'warn', message: 'requests that were not logged', count: 950 });
  });

  it('tells an error with its causes, each once', () => {
    const cause = new Error('disk full');

    expect(tell(new Error('cannot write', { cause }))).toBe('cannot write: disk full');
    expect(tell(new Error('cannot write: disk full', { cause }))).toBe('cannot write: disk full');
    expect(tell('odd')).toBe('odd');
  });
});
