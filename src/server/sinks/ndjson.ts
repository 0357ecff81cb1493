/**
 * `petrel/sinks/ndjson`: files with a JSON object per line, for whatever reads such: DuckDB, ClickHouse, jq, an object store's loader.
 *
 * docs/sinks.md has the lines' members, and says what is remembered to tell which ids came before.
 * @packageDocumentation
 */
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../core/clock.js';
import { PetrelError } from '../../core/errors.js';
import { checkNumber, show } from '../../core/options.js';
import { createSystemClock } from '../../web/system-clock.js';
import { createGroupCommit } from './lib/group-commit.js';
import { createIdIndex, type IdIndex } from './lib/id-index.js';
import { createLineFile, type LineFile } from './lib/line-file.js';
import { createWriter, isGone, linesOf, type NdjsonKind, newestFiles, repair } from './lib/ndjson-folder.js';
import { dropRow, eventRow } from './lib/row.js';
import type { ReceivedDrop, Sink } from './sink.js';

/** Options of {@link createNdjsonSink}. */
export interface NdjsonSinkOptions {
  /**
   * The folder the files go to; it is made if it is not there. Several processes may share it: each writes files of its own.
   */
  folder: string;
  /**
   * A file that is as large, in bytes, gets no further lines (1 024 to 17 179 869 184). A new one also begins each day (UTC).
   * @defaultValue 268435456
   */
  maxFileBytes?: number;
  /**
   * How many sources' ids are remembered, to store each once (100 to 10 000 000): at least the last half as many. Some 150 bytes each.
   * @defaultValue 200000
   */
  maxSources?: number;
  /**
   * Of how many bytes of the folder's newest files the ids are read when the sink opens (0 to 1 099 511 627 776): some 3 s a gigabyte.
   * @defaultValue 1073741824
   */
  maxReadBytes?: number;
  /** Time and chance, for the files' names. Default: the system's. */
  clock?: Clock;
}

/** A line to be written, unless its id is stored. */
interface Line {
  id: string;
  text: string;
}

interface Job {
  events: Line[];
  drops: Line[];
  duplicates: number[];
}

/**
 * Opens the folder: repairs what processes that died left half written, and reads which ids are stored.
 *
 * A write is acknowledged when it is on the disk (`fdatasync`); writes that come meanwhile are synced together.
 *
 * **An id is stored once** as long as it is remembered: by this process, and what any process wrote before this one opened the folder, within
 * `maxSources` and `maxReadBytes`. Two processes that receive the same event at the same time write it to the files of both.
 *
 * @throws PetrelError `invalid-option`; `store-unavailable` when the folder cannot be used.
 */
export async function createNdjsonSink(options: NdjsonSinkOptions): Promise<Sink> {
  const { folder, clock = createSystemClock() } = options;
  const { maxFileBytes = 268_435_456, maxSources = 200_000, maxReadBytes = 1_073_741_824 } = options;
  if (typeof folder !== 'string' || folder === '') {
    throw new PetrelError('invalid-option', `\`folder\` must be the path of a folder, not ${show(folder)}`);
  }
  checkNumber('maxFileBytes', maxFileBytes, { min: 1_024, max: 17_179_869_184 });
  checkNumber('maxSources', maxSources, { min: 100, max: 10_000_000 });
  checkNumber('maxReadBytes', maxReadBytes, { min: 0, max: 1_099_511_627_776 });

  const ids = createIdIndex(maxSources);
  const dropIds = createIdIndex(maxSources);
  try {
    await mkdir(folder, { recursive: true });
    await restore(folder, 'events', maxReadBytes, ids, idOfEventLine);
    await restore(folder, 'drops', maxReadBytes, dropIds, idOfDropLine);
  } catch (cause) {
    throw new PetrelError('store-unavailable', `the folder ${folder} cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }

  const writer = createWriter(clock.randomId());
  const file = (kind: NdjsonKind) =>
    createLineFile({ folder, nameOf: writer.nameOf(kind), maxFileBytes, now: () => clock.now() });
  const eventFile = file('events');
  const dropFile = file('drops');
  const commits = createGroupCommit<Job>(async (jobs) => {
    const drops = new Map<string, string>();
    const events = new Map<string, string>();
    for (const job of jobs) {
      for (const { id, text } of job.drops) if (!dropIds.has(id) && !drops.has(id)) drops.set(id, text);
      job.events.forEach(({ id, text }, index) => {
        if (ids.has(id) || events.has(id)) job.duplicates.push(index);
        else events.set(id, text);
      });
    }
    await append(dropFile, drops, dropIds);
    await append(eventFile, events, ids);
  });
  let closing: Promise<void> | undefined;

  function refuseWhenClosed(): void {
    if (closing) throw new PetrelError('closed', 'the sink is closed');
  }

  async function close(): Promise<void> {
    await commits.idle();
    await eventFile.close();
    await dropFile.close();
    writer.release();
  }

  return {
    async write(events, drops) {
      refuseWhenClosed();
      // Here, so that an event which is no JSON fails its own batch and not that of others.
      const job: Job = {
        events: events.map((event) => ({ id: event.id, text: JSON.stringify(eventRow(event)) })),
        drops: drops.map((drop) => ({ id: dropId(drop), text: JSON.stringify(dropRow(drop)) })),
        duplicates: [],
      };
      await commits.add(job);
      return { duplicates: job.duplicates };
    },

    async has(ranges) {
      refuseWhenClosed();
      return ids.within(ranges);
    },

    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function append(file: LineFile, lines: ReadonlyMap<string, string>, index: IdIndex): Promise<void> {
  if (lines.size === 0) return;
  await file.append(`${[...lines.values()].join('\n')}\n`);
  for (const id of lines.keys()) index.add(id);
}

/** Repairs what can be, and reads which ids the newest files hold. */
async function restore(
  folder: string,
  kind: NdjsonKind,
  maxReadBytes: number,
  index: IdIndex,
  idOf: (line: string) => string | undefined,
): Promise<void> {
  for (const { path, writer } of await newestFiles(folder, kind, maxReadBytes)) {
    if (isGone(writer)) await repair(path);
    for await (const lines of linesOf(path)) {
      for (const line of lines) {
        const id = idOf(line);
        if (id !== undefined) index.add(id);
      }
    }
  }
}

const ID_OF_LINE = /^\{"id":("(?:[^"\\]|\\.)*")/;

/** Read off the line's beginning: parsing all of it takes ten times as long. */
const idOfEventLine = (line: string) => idOr(() => JSON.parse(ID_OF_LINE.exec(line)![1]!));

const idOfDropLine = (line: string) => idOr(() => dropId(JSON.parse(line)));

/** A line that is not as we wrote it is somebody else's doing, and names no id. */
function idOr(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function dropId({ source, first, last, reason }: Pick<ReceivedDrop, 'source' | 'first' | 'last' | 'reason'>): string {
  return JSON.stringify([source, first, last, reason]);
}
