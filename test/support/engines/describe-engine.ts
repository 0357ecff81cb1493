import { describe } from 'vitest';

/**
 * Tests that need a server. Without it they are skipped, by a name that says why; in CI, where the servers were to be installed, they fail.
 */
export function describeEngine<T>(name: string, found: T | undefined, body: (found: T) => void): void {
  if (found !== undefined) describe(`with ${name}`, () => body(found));
  else if (process.env.CI) throw new Error(`there is no ${name}, and it could not be installed`);
  else
    describe.skip(`without ${name}, which is not installed (see scripts/install-servers.mjs)`, () =>
      body(undefined as T));
}
