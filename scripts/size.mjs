// Weighs what a browser downloads, against its budget: `node scripts/size.mjs [--json | --markdown]`. Over budget, it ends with 1.
// docs/sizes.md is made with --markdown.
// Files are weighed as they are shipped, the sourceMappingURL comment included.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/**
 * Budgets in bytes after gzip -9. `goal` is where the file should get to, and is only reported.
 * in-page-host.js and in-page-formats.js are loaded only where no worker can be had, so they have none.
 */
const FILES = [
  { file: 'index.js', what: 'page entry', budget: 3072, goal: 2662 },
  { file: 'petrel.js', what: 'script tag', budget: 3277 },
  { file: 'register.js', what: 'first visit', budget: 2662 },
  { file: 'in-page-host.js', what: 'without a worker' },
  { file: 'in-page-formats.js', what: 'and in another format' },
  // The budget only keeps it from growing: the goal is far off. Half of it is the engine (bounds, retry, quarantine, carried copies), a
  // twentieth what is needed of idb. Shortening every property name, those on disk and on the wire too, would save 0.4 KB more.
  // It loads when idle, once per release, and never on the main thread.
  { file: 'petrel-sw.js', what: 'worker', budget: 16_128, goal: 9216 },
  // Tracker and engine in one, for a worker of the site's own: no page loads it.
  { file: 'worker.js', what: 'in a worker' },
  // Loaded on demand, by developers.
  { file: 'debug.js', what: 'script tag, data-debug', budget: 2_304 },
  { file: 'inspector.js', what: 'inspector', budget: 7_680 },
  { file: 'petrel-sw-formats.js', what: 'worker, all formats', budget: 19_456 },
  // Each is complete: what several of them share is in each.
  // In this one and in engagement, 0.2 KB keep secrets out of addresses.
  { file: 'plugins/page-views.js', what: 'plugin', budget: 1_920 },
  { file: 'plugins/links.js', what: 'plugin', budget: 1_600 },
  { file: 'plugins/clicks.js', what: 'plugin', budget: 1_344 },
  { file: 'plugins/forms.js', what: 'plugin', budget: 1_728 },
  { file: 'plugins/engagement.js', what: 'plugin', budget: 2_304 },
  { file: 'plugins/errors.js', what: 'plugin', budget: 1_920 },
  { file: 'plugins/schema.js', what: 'plugin', budget: 1_280 },
  { file: 'plugins/sampling.js', what: 'plugin', budget: 1_152 },
  { file: 'plugins/event-log.js', what: 'plugin', budget: 1_536 },
  { file: 'plugins/ledger.js', what: 'plugin', budget: 1_024 },
  { file: 'plugins/with-properties.js', what: 'plugin', budget: 384 },
  { file: 'plugins/exposures.js', what: 'plugin', budget: 2_176 },
  // web-vitals itself is 3.2 of it, with attribution 5.5.
  { file: 'plugins/web-vitals.js', what: 'plugin', budget: 4_160 },
  { file: 'plugins/web-vitals-attribution.js', what: 'plugin', budget: 6_656 },
  // Beside index.js, which it imports.
  { file: 'compat/segment.js', what: 'facade', budget: 1_920 },
];

const rows = FILES.map(({ file, what, budget, goal }) => {
  const path = fileURLToPath(new URL(`../dist/${file}`, import.meta.url));
  if (!existsSync(path)) return { file, what, missing: true, ok: false };
  const content = readFileSync(path);
  const gzip = gzipSync(content, { level: 9 }).length;
  const ok = budget === undefined || gzip <= budget;
  return { file, what, min: content.length, gzip, brotli: brotliCompressSync(content).length, budget, goal, ok };
});

/** @param {(typeof rows)[number]} row */
function verdict(row) {
  if (row.missing) return 'missing: run `npm run build`';
  if (row.gzip === undefined || row.budget === undefined) return '';
  if (!row.ok) return `OVER by ${row.gzip - row.budget}`;
  const left = `ok, ${row.budget - row.gzip} left`;
  return row.goal === undefined ? left : `${left}; goal ${row.goal} ${row.gzip <= row.goal ? 'met' : 'not met'}`;
}

/** The page docs/sizes.md. What one writes to get a file, where that is an import. */
function markdown() {
  const lines = rows.map(({ file, what, min, gzip, brotli }) => {
    const name = /^(plugins|compat)\//.test(file) ? `petrel/${file.replace(/\.js$/, '')}` : file;
    return `| \`${name}\` | ${what} | ${[min, gzip, brotli].map((bytes) => bytes?.toLocaleString('en')).join(' | ')} |`;
  });
  return `# Sizes

What a browser downloads for each import, in bytes, as published (\`node scripts/size.mjs --markdown > docs/sizes.md\`). \`import { createTracker }
from 'petrel'\` is \`index.js\`; on a first visit, when the browser is idle, \`register.js\` follows and the worker is installed. Each
plugin is complete by itself. \`npm run size\` holds every file against a budget.

| import or file | | minified | gzip -9 | brotli |
|---|---|--:|--:|--:|
${lines.join('\n')}`;
}

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows, null, 2));
} else if (process.argv.includes('--markdown')) {
  console.log(markdown());
} else {
  const table = [
    ['file', '', 'min', 'gzip', 'brotli', 'budget', ''],
    ...rows.map((row) => [
      row.file,
      row.what,
      ...[row.min, row.gzip, row.brotli, row.budget].map((bytes) => bytes?.toLocaleString('en') ?? '–'),
      verdict(row),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) {
    const cells = row.map((cell, i) => (i < 2 || i > 5 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
    console.log(cells.join('  ').trimEnd());
  }
}
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
