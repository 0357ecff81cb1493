import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** What the lines of a file are. */
export type NdjsonKind = 'events' | 'drops';

/** Who writes files: machine, process and thread that opened the sink, and chance. All of it is in the files' names. */
export interface NdjsonWriter {
  nameOf(kind: NdjsonKind): (day: string, n: number) => string;
  /** Its files may be repaired from now on. */
  release(): void;
}

/** A file that a writer made, whichever. */
interface NdjsonFile {
  path: string;
  writer: string;
  bytes: number;
  modifiedAt: number;
}

const FILE_NAME = /^(events|drops)-\d{4}-\d\d-\d\d-(.+)-\d{4,}\.ndjson$/;

/** Dots separate the parts of a writer's name. */
const HOST = hostname().replace(/[^A-Za-z0-9_-]/g, '_');

/** Writers of this thread that are open. */
const openWriters = new Set<string>();

export function createWriter(randomId: string): NdjsonWriter {
  const writer = `${HOST}.${process.pid}.${threadId}.${randomId.replace(/[^A-Za-z0-9]/g, '').slice(0, 8)}`;
  openWriters.add(writer);
  return {
    nameOf: (kind) => (day, n) => `${kind}-${day}-${writer}-${String(n).padStart(4, '0')}.ndjson`,
    release: () => void openWriters.delete(writer),
  };
}

/** The newest files of a kind that together have at most `maxBytes` (at least one), oldest first. */
export async function newestFiles(folder: string, kind: NdjsonKind, maxBytes: number): Promise<NdjsonFile[]> {
  const files: NdjsonFile[] = [];
  for (const name of await readdir(folder)) {
    const [, of, writer] = FILE_NAME.exec(name) ?? [];
    if (of !== kind) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(ignoreMissing);
    if (found) files.push({ path, writer: writer!, bytes: found.size, modifiedAt: found.mtimeMs });
  }
  files.sort((a, b) => b.modifiedAt - a.modifiedAt);
  let bytes = 0;
  const newest = files.filter(({ bytes: more }, i) => {
    bytes += more;
    return i === 0 || bytes <= maxBytes;
  });
  return newest.reverse();
}

/** Somebody has just moved it away. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Whether nobody writes to the writer's files any more. Another machine's process cannot be asked, so it is taken to be alive:
 * a torn line that stays costs its reader a line, one that is cut off while it is written would cost an event.
 */
export function isGone(writer: string): boolean {
  const [host, pid, thread] = writer.split('.');
  if (host !== HOST) return false;
  if (Number(pid) === process.pid) return Number(thread) === threadId && !openWriters.has(writer);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** The lines of a file, in portions. What follows the last line break is none. */
export async function* linesOf(path: string): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1_048_576 })) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield lines;
  }
}

/** How much of a file's end is looked at first; more than the longest line the collector writes by default. */
const TAIL_BYTES = 262_144;

/**
 * Cuts off what a killed process or a power cut left at the end of its file: half a line, or what is no JSON (some file systems leave
 * zeros). It was never acknowledged, for that comes after the sync.
 *
 * @returns bytes cut off
 */
export async function repair(path: string): Promise<number> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    for (let tailBytes = TAIL_BYTES; ; tailBytes *= 2) {
      const from = Math.max(0, size - tailBytes);
      const end = endOfLines(await readAt(handle, from, size - from), from === 0);
      if (end === undefined) continue;
      const whole = from + end;
      if (whole < size) {
        await handle.truncate(whole);
        await handle.sync();
      }
      return size - whole;
    }
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    at += bytesRead;
  }
  return bytes;
}

const LINE_BREAK = 10;

/** Where the last line that is JSON ends; undefined when that is before `tail`. */
function endOfLines(tail: Buffer, isWholeFile: boolean): number | undefined {
  let end = tail.lastIndexOf(LINE_BREAK) + 1;
  while (end > 0) {
    const start = end < 2 ? 0 : tail.lastIndexOf(LINE_BREAK, end - 2) + 1;
    if (start === 0 && !isWholeFile) return undefined;
    try {
      JSON.parse(tail.toString('utf8', start, end));
      return end;
    } catch {
      end = start;
    }
  }
  return isWholeFile ? 0 : undefined;
}
