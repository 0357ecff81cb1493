import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bare, membersOf, numbersIn, partOf, read, rowsOf } from './tables.js';

const page = read('docs/plugins.md');
const folder = fileURLToPath(new URL('../../src/plugins/', import.meta.url));
const plugins = readdirSync(folder).flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -3)] : []));

/** What a plugin's own files say: its entry and the helper that has the rest of it. */
function sourceOf(plugin: string): string {
  const entry = read(`src/plugins/${plugin}.ts`);
  return plugin.startsWith('web-vitals') ? entry + read('src/plugins/lib/vitals.ts') : entry;
}

/** `web-vitals` → `WebVitalsOptions`. */
const optionsOf = (plugin: string) => {
  const words = plugin.replace('-attribution', '').split('-');
  return `${words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')}Options`;
};

describe('docs/plugins.md', () => {
  it('has each plugin, in the list and in a part of its own', () => {
    const listed = rowsOf(page, 'plugin').map(({ plugin }) => /`(.*)`/.exec(plugin!)?.[1]);

    expect(listed.sort()).toEqual([...plugins].sort());
    for (const plugin of plugins) expect(partOf(page, plugin)).toContain('**Privacy.**');
  });

  it.each(plugins.filter((plugin) => plugin !== 'with-properties' && plugin !== 'ledger'))(
    'names the options of %s with their defaults and ranges',
    (plugin) => {
      const rows = rowsOf(partOf(page, plugin), 'option');
      const members = membersOf(`src/plugins/${plugin}.ts`, optionsOf(plugin));
      const source = sourceOf(plugin);

      expect(rows.map(({ option }) => bare(option)).sort()).toEqual(members.map(({ name }) => name).sort());
      for (const row of rows) {
        const option = bare(row.option);
        const { defaultValue } = members.find(({ name }) => name === option)!;
        if (row.default!.startsWith('`')) expect([option, bare(row.default)]).toEqual([option, bare(defaultValue)]);
        else if (row.default === 'none') expect([undefined, 'none']).toContain(defaultValue);
        else expect(defaultValue).toContain(row.default);
        if (row.type !== 'number') continue;
        const [, range] = new RegExp(`${option}: number\\(([\\d_, ]+)\\)`).exec(source) ?? [];
        expect([option, ...numbersIn(row.range!)]).toEqual([option, ...numbersIn(range!.replaceAll('_', ''))]);
      }
    },
  );

  it.each(plugins)('names the events of %s, with category and properties', (plugin) => {
    const source = sourceOf(plugin);
    const rows = rowsOf(partOf(page, plugin), 'event').map(({ event, category, properties }) => ({
      name: bare(event),
      literal: event!.startsWith('`') && event,
      category: bare(category),
      properties: [...properties!.split(/;|: of /)[0]!.matchAll(/`([a-zA-Z]+)`/g)].map(([, name]) => name!),
    }));
    // In the code, not in comments.
    const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    const told = new Set([...code.matchAll(/'([A-Z][a-z]+(?: [A-Z][a-z]+)+|Error)'/g)].map(([, name]) => name!));
    if (code.includes('tracker.page(')) told.add('page');

    expect(rows.flatMap(({ name, literal }) => (literal ? [name] : [])).sort()).toEqual([...told].sort());
    for (const { category, properties } of rows) {
      if (category !== 'page') expect(code).toContain(`category: '${category}'`);
      for (const property of properties) {
        const all =
          property === 'name' || property === 'message' || property === 'stack'
            ? read('src/plugins/lib/thrown.ts')
            : '';
        expect(source + all, `${plugin}: ${property}`).toMatch(new RegExp(`\\b${property}\\??\\b`));
      }
    }
  });
});
