import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** A series of files to which lines are appended. */
export interface LineFile {
  /** Resolves when the lines are on the disk. When it rejects, none of them is, as far as the disk still obeys. One call at a time. */
  append(lines: string): Promise<void>;
  close(): Promise<void>;
}

export interface LineFileOptions {
  folder: string;
  /** The name of the n-th file of a day. */
  nameOf(day: string, n: number): string;
  /** A file that is as large gets no further lines. */
  maxFileBytes: number;
  now(): number;
}

interface Current {
  handle: FileHandle;
  day: string;
  /** Bytes that are known to be on the disk. */
  size: number;
}

/** Nothing is opened until there is a line: a process that receives no drops leaves no file for them. */
export function createLineFile({ folder, nameOf, maxFileBytes, now }: LineFileOptions): LineFile {
  let current: Current | undefined;
  let files = 0;

  async function file(): Promise<Current> {
    const day = new Date(now()).toISOString().slice(0, 10);
    if (current && (current.size >= maxFileBytes || current.day !== day)) {
      const { handle } = current;
      current = undefined;
      await handle.close();
    }
    if (!current) {
      await mkdir(folder, { recursive: true });
      // Exclusive: two writers in one file would tear each other's lines.
      current = { handle: await open(join(folder, nameOf(day, ++files)), 'ax'), day, size: 0 };
      await syncFolder(folder);
    }
    return current;
  }

  return {
    async append(lines) {
      const bytes = Buffer.from(lines);
      const { handle } = await file();
      try {
        await handle.appendFile(bytes);
        await handle.datasync();
        // Somebody cleaned up: what is written to a file without a name is gone when it is closed.
        if ((await handle.stat()).nlink === 0) throw new Error('the file was deleted while it was written');
        current!.size += bytes.length;
      } catch (error) {
        await abandon();
        throw error;
      }
    },
    async close() {
      await current?.handle.close();
      current = undefined;
    },
  };

  /**
   * After a failed write or sync nobody knows what of it is on the disk, and a second sync would say that all is well
   * (https://wiki.postgresql.org/wiki/Fsync_Errors). So the lines are cut off, and the next ones go to a new file.
   */
  async function abandon(): Promise<void> {
    const { handle, size } = current!;
    current = undefined;
    try {
      await handle.truncate(size);
      await handle.datasync();
    } catch {
      // A torn line is cut off at the next start; whole lines that stay are doubled by the next attempt, and told apart by their id.
    } finally {
      await handle.close().catch(() => {});
    }
  }
}

/** Else a new file may have no name after a power cut, whatever was synced of its content. */
async function syncFolder(folder: string): Promise<void> {
  // Windows does not open folders, and needs no such thing.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
