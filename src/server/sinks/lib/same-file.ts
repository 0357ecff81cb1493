import { statSync } from 'node:fs';
import { PetrelError } from '../../../core/errors.js';

/**
 * Remembers which file a path names now; the function it returns throws when the path names none, or another one.
 *
 * A database that is deleted or replaced while it is open goes on working, on a file that nobody can open any more: what is committed
 * there is gone with the process. Asked after each commit, at some 5 µs. What names no file (`:memory:`) is not watched.
 */
export function watchFile(path: string): () => void {
  const before = statSync(path, { throwIfNoEntry: false });
  if (!before) return () => {};
  return () => {
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.ino === before.ino && now.dev === before.dev) return;
    throw new PetrelError(
      'store-unavailable',
      `the database ${path} was ${now ? 'replaced' : 'deleted'} while it was open: start again to make a new one`,
    );
  };
}
