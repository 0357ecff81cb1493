import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { PageScope } from '../../src/plugins/lib/page-plugin.js';
import { watchRoutes } from '../../src/plugins/lib/routes.js';

/** A browser without the Navigation API. */
class FakeHistory {
  length = 1;
  pushState(..._: unknown[]) {}
  replaceState(..._: unknown[]) {}
}

function watch() {
  const abort = new AbortController();
  const after = vi.fn();
  const scope = { signal: abort.signal, listen() {} } as Partial<PageScope> as PageScope;
  watchRoutes(scope, () => {}, after);
  return { after, close: () => abort.abort() };
}

const isNative = () => !Object.hasOwn(history, 'pushState') && !Object.hasOwn(history, 'replaceState');

describe('routes where there is no Navigation API', () => {
  beforeEach(() => {
    vi.stubGlobal('History', FakeHistory);
    vi.stubGlobal('history', new FakeHistory());
    vi.stubGlobal('window', {});
    vi.stubGlobal('document', { baseURI: 'https://shop.example/' });
    return () => vi.unstubAllGlobals();
  });

  it.each([
    ['in the order in which they came', [0, 1, 2]],
    ['in the opposite order', [2, 1, 0]],
    ['in any order', [1, 2, 0]],
  ])('have nothing left in the history when all plugins are closed, %s', (_, order) => {
    const plugins = [watch(), watch(), watch()];
    history.pushState(null, '', '/a');

    for (const i of order) plugins[i]!.close();

    expect(isNative()).toBe(true);
    history.pushState(null, '', '/b');
    for (const { after } of plugins) expect(after).toHaveBeenCalledTimes(1);
  });

  it('are still told to the plugins that are open', () => {
    const plugins = [watch(), watch(), watch()];
    plugins[1]!.close();
    plugins[2]!.close();

    history.replaceState(null, '', '/a');

    expect(plugins.map(({ after }) => after.mock.calls)).toEqual([[['replace']], [], []]);
  });

  it('leave the wrapper of somebody else where it is', () => {
    const plugin = watch();
    const ours = history.pushState;
    const theirs = vi.fn((...call: Parameters<History['pushState']>) => ours.apply(history, call));
    history.pushState = theirs;

    plugin.close();
    history.pushState(null, '', '/a');

    expect(history.pushState).toBe(theirs);
    expect(theirs).toHaveBeenCalledTimes(1);
    expect(plugin.after).not.toHaveBeenCalled();
  });

  it('give a wrapper that somebody made before back to them', () => {
    const theirs = vi.fn();
    history.pushState = theirs;
    const plugins = [watch(), watch()];

    for (const { close } of plugins) close();

    expect(history.pushState).toBe(theirs);
  });
});
