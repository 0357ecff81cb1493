/** What ClickHouse said to a request, when it was not "yes". */
export class ClickHouseError extends Error {
  override readonly name = 'ClickHouseError';

  /** @param code its number for what went wrong; undefined when the answer has none (a proxy's) */
  constructor(
    message: string,
    readonly code: number | undefined,
  ) {
    super(message);
  }
}

/**
 * Numbers that are about the data, and will be again: what cannot be parsed (6, 26, 27, 38, 41, 72, 117, 130), what a column does not take (53, 69, 70,
 * 349), what an expression or constraint of the table refuses (395, 469).
 *
 * The HTTP status does not say it: 18.16 answers 500 to all of them.
 *
 * @see https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
 */
const REFUSALS = new Set([6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 130, 349, 395, 469]);

export const isRefusal = (error: unknown): error is ClickHouseError =>
  error instanceof ClickHouseError && error.code !== undefined && REFUSALS.has(error.code);

/** What somebody has to mend: rights, tables, columns, settings. Trying again at once is of no use. */
const MISTAKES = new Set([16, 36, 47, 60, 62, 81, 115, 192, 193, 194, 497, 516]);

export const isMistake = (error: unknown): boolean =>
  error instanceof ClickHouseError && error.code !== undefined && MISTAKES.has(error.code);

export interface ClickHouseClient {
  /** @throws ClickHouseError, or what `fetch` throws */
  query(sql: string, options?: { body?: string; settings?: Record<string, string> }): Promise<string>;
  /** Ends what is under way, and everything that comes. */
  abort(): void;
}

export interface ClickHouseClientOptions {
  url: string;
  user: string | undefined;
  password: string | undefined;
  timeoutMs: number;
}

/** The HTTP interface, on `fetch`. */
export function createClickHouseClient({ url, user, password, timeoutMs }: ClickHouseClientOptions): ClickHouseClient {
  const aborter = new AbortController();
  return {
    async query(sql, { body, settings = {} } = {}) {
      const target = new URL(url);
      for (const [name, value] of Object.entries(settings)) target.searchParams.set(name, value);
      if (body !== undefined) target.searchParams.set('query', sql);
      const response = await fetch(target, {
        method: 'POST',
        body: body ?? sql,
        headers: {
          ...(user !== undefined && { 'X-ClickHouse-User': user }),
          ...(password !== undefined && { 'X-ClickHouse-Key': password }),
        },
        signal: AbortSignal.any([aborter.signal, AbortSignal.timeout(timeoutMs)]),
      });
      const text = await response.text();
      if (response.ok) return text;
      const code = /^Code: (\d+)/.exec(text)?.[1] ?? response.headers.get('x-clickhouse-exception-code');
      throw new ClickHouseError(
        `ClickHouse answered ${response.status}: ${text.trim().slice(0, 300)}`,
        code == null ? undefined : Number(code),
      );
    },
    abort: () => aborter.abort(new Error('the sink is closed')),
  };
}
