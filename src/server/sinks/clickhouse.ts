/**
 * `petrel/sinks/clickhouse`: tables in ClickHouse, over its HTTP interface. Needs no package.
 *
 * docs/sinks.md has the tables, and says how an id that came twice is one row.
 * @packageDocumentation
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import { PetrelError } from '../../core/errors.js';
import { checkNumber, show } from '../../core/options.js';
import { createSystemClock } from '../../web/system-clock.js';
import { createClickHouseClient, isMistake, isRefusal } from './lib/clickhouse-client.js';
import { insertDrops, insertEvents, lineOf, selectStored, tablesIn } from './lib/clickhouse-schema.js';
import { createGroupCommit } from './lib/group-commit.js';
import { idsOf, storedRanges } from './lib/lookup.js';
import { dropRow } from './lib/row.js';
import { createSplitter } from './lib/split-refused.js';
import { storableJson } from './lib/text.js';
import type { ReceivedDrop, ReceivedEvent, Sink } from './sink.js';

/** Options of {@link createClickHouseSink}. */
export interface ClickHouseSinkOptions {
  /** The HTTP interface: `http://localhost:8123`. */
  url: string;
  /**
   * The database the tables are in; all are made where they are not there.
   * @defaultValue 'petrel'
   */
  database?: string;
  /**
   * The user's name.
   * @defaultValue the server's `default`
   */
  user?: string;
  /** The user's password, where there is one. */
  password?: string;
  /**
   * Rows that are worth an insert (1 to 1 000 000). Each insert becomes a part, and too many parts stop the server: fewer rows wait for
   * company, at most `lingerMs`.
   * @defaultValue 1000
   */
  minRows?: number;
  /**
   * Longest wait for company, in milliseconds (0 to 5 000); the senders wait with it.
   * @defaultValue 500
   */
  lingerMs?: number;
  /**
   * Longest a request may take, in milliseconds (100 to 600 000).
   * @defaultValue 20000
   */
  requestTimeoutMs?: number;
  /**
   * How long `close()` waits for writes under way, in milliseconds (0 to 600 000). Then they fail.
   * @defaultValue 5000
   */
  closeTimeoutMs?: number;
  /** Time and chance. Default: the system's. */
  clock?: Clock;
}

/** A row to be written, and its place in the group. */
interface Entry {
  index: number;
  id: string;
  line: string;
}

interface Job {
  entries: Entry[];
  drops: readonly ReceivedDrop[];
  duplicates: number[];
  rejected: { index: number; reason: string }[];
}

/** An insert that failed is made again as often with the same rows, so that a server which stored them knows the block. */
const MAX_RETRIES = 2;
const FIRST_RETRY_MS = 100;

/** The first release that takes `insert_deduplication_token`. */
const TOKENS_SINCE = 22;

/**
 * Connects, and makes database and tables where there are none. Writes are put together to inserts of `minRows` rows and more.
 *
 * **An id is one row when ClickHouse has merged it, and with `FINAL`**, not before: `write` tells only the duplicates within itself.
 *
 * @throws PetrelError `invalid-option`; `store-unavailable` when the server cannot be reached or used.
 */
export async function createClickHouseSink(options: ClickHouseSinkOptions): Promise<Sink> {
  const { minRows, lingerMs, requestTimeoutMs, closeTimeoutMs, url } = check(options);
  const { clock = createSystemClock(), user, password } = options;
  const database = quotedName(options.database ?? 'petrel');
  const client = createClickHouseClient({ url, user, password, timeoutMs: requestTimeoutMs });
  let knowsTokens = false;
  try {
    for (const sql of tablesIn(database)) await client.query(sql);
    knowsTokens = Number.parseInt(await client.query('SELECT version()'), 10) >= TOKENS_SINCE;
  } catch (cause) {
    const why = ((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message;
    throw new PetrelError('store-unavailable', `ClickHouse cannot be used: ${why}`, { cause });
  }

  async function insert(sql: string, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const body = `${lines.join('\n')}\n`;
    const settings: Record<string, string> = knowsTokens ? { insert_deduplication_token: hashOf(body) } : {};
    for (let failures = 1; ; failures++) {
      try {
        await client.query(sql, { body, settings });
        return;
      } catch (error) {
        if (isRefusal(error) || isMistake(error) || failures > MAX_RETRIES || isLate) throw error;
        await new Promise<void>((resolve) => clock.setTimeout(resolve, FIRST_RETRY_MS * 2 ** (failures - 1)));
      }
    }
  }

  const splitter = createSplitter((error) => (isRefusal(error) ? `clickhouse-${error.code}` : undefined));
  const commits = createGroupCommit<Job>(
    async (jobs) => {
      await insert(
        insertDrops(database),
        jobs.flatMap(({ drops }) => drops.map((drop) => JSON.stringify(storableJson(dropRow(drop))))),
      );
      const { first, owners } = onceEach(jobs);
      const rejected = await splitter.store(first, (some) =>
        insert(
          insertEvents(database),
          some.map(({ line }) => line),
        ),
      );
      for (const { index, reason } of rejected) {
        for (const [job, at] of owners[index]!) job.rejected.push({ index: at, reason });
      }
    },
    { sizeOf: ({ entries }) => entries.length, enough: minRows, maxMs: lingerMs, clock },
  );
  let closing: Promise<void> | undefined;
  let isLate = false;

  function refuseWhenClosed(): void {
    if (closing) throw new PetrelError('closed', 'the sink is closed');
  }

  async function close(): Promise<void> {
    const timer = clock.setTimeout(() => {
      isLate = true;
      client.abort();
    }, closeTimeoutMs);
    await commits.idle();
    clock.clearTimeout(timer);
  }

  return {
    async write(events, drops) {
      refuseWhenClosed();
      const job: Job = { entries: events.map(entryOf), drops, duplicates: [], rejected: [] };
      await commits.add(job);
      return { duplicates: job.duplicates, ...(job.rejected.length > 0 && { rejected: job.rejected }) };
    },

    async has(ranges) {
      refuseWhenClosed();
      if (ranges.length === 0) return [];
      const ids = idsOf(ranges);
      const sources = new Set(ranges.map(([source]) => source));
      const text = await client.query(selectStored(database, literals(sources), literals(ids.flat())), {
        settings: { max_query_size: '16777216' },
      });
      const stored = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).id as string]));
      return storedRanges(ranges, ids, new Set(stored));
    },

    close() {
      closing ??= close();
      return closing;
    },
  };
}

const entryOf = (event: ReceivedEvent, index: number): Entry => ({ index, id: event.id, line: lineOf(event) });

/** A row of a group, and all the places it was handed in at: what is refused is refused to all of them. */
type Owners = [job: Job, index: number][];

/** The group's rows, each id once, with positions of their own. Rows that are twice in one job are its duplicates. */
function onceEach(jobs: readonly Job[]): { first: Entry[]; owners: Owners[] } {
  const positions = new Map<string, number>();
  const first: Entry[] = [];
  const owners: Owners[] = [];
  for (const job of jobs) {
    for (const entry of job.entries) {
      const at = positions.get(entry.id);
      if (at === undefined) {
        positions.set(entry.id, first.length);
        first.push({ ...entry, index: first.length });
        owners.push([[job, entry.index]]);
      } else if (owners[at]!.some(([owner]) => owner === job)) job.duplicates.push(entry.index);
      else owners[at]!.push([job, entry.index]);
    }
  }
  return { first, owners };
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url');

const literals = (values: Iterable<string>) =>
  [...values].map((value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`).join();

function check(options: ClickHouseSinkOptions) {
  const { url, minRows = 1_000, lingerMs = 500, requestTimeoutMs = 20_000, closeTimeoutMs = 5_000 } = options;
  if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new PetrelError(
      'invalid-option',
      '`url` must be the URL of the HTTP interface, such as http://localhost:8123',
    );
  }
  checkNumber('minRows', minRows, { min: 1, max: 1_000_000 });
  checkNumber('lingerMs', lingerMs, { min: 0, max: 5_000 });
  checkNumber('requestTimeoutMs', requestTimeoutMs, { min: 100, max: 600_000 });
  checkNumber('closeTimeoutMs', closeTimeoutMs, { min: 0, max: 600_000 });
  return { url, minRows, lingerMs, requestTimeoutMs, closeTimeoutMs };
}

function quotedName(name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) {
    throw new PetrelError('invalid-option', `\`database\` must be a name of letters, digits and _, not ${show(name)}`);
  }
  return `\`${name}\``;
}
