/** The part of Web Locks that Petrel uses: exclusive locks by name, and giving up waiting. Node 20 has none. */
export function createFakeLocks(): LockManager & { readonly waiting: number; readonly held: string[] } {
  const tails = new Map<string, Promise<unknown>>();
  const held: string[] = [];
  let waiting = 0;

  async function request(
    name: string,
    ...rest: [LockGrantedCallback<unknown>] | [LockOptions, LockGrantedCallback<unknown>]
  ) {
    const callback = rest.at(-1) as LockGrantedCallback<unknown>;
    const { signal } = rest.length === 2 ? (rest[0] as LockOptions) : {};
    const before = tails.get(name) ?? Promise.resolve();
    let release = () => {};
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    tails.set(
      name,
      before.then(() => mine),
    );
    waiting++;
    try {
      await Promise.race([
        before,
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
      ]);
    } catch (error) {
      release();
      throw error;
    } finally {
      waiting--;
    }
    held.push(name);
    try {
      return await callback({ name, mode: 'exclusive' });
    } finally {
      held.splice(held.indexOf(name), 1);
      release();
    }
  }

  return {
    request: request as LockManager['request'],
    query: async () => ({ held: [], pending: [] }),
    get waiting() {
      return waiting;
    },
    held,
  };
}
