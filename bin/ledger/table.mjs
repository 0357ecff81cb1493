// A ledger's report for people: a table, what needs saying, and the verdict in the last line.

/** @typedef {import('../../dist/server/index.js').LedgerReport} LedgerReport */
/** @typedef {import('../../dist/server/index.js').LedgerRow} LedgerRow */
/** @typedef {import('../../dist/server/index.js').LedgerCounts} LedgerCounts */
/** @typedef {import('../../dist/server/index.js').LedgerAudit} LedgerAudit */

const COLUMNS = /** @type {const} */ (['accepted', 'delivered', 'dropped', 'possible', 'unknown', 'missing']);

/** @param {number} count */
const number = (count) => count.toLocaleString('en').replaceAll(',', ' ');

/** @param {LedgerCounts['dropped']} dropped */
const sum = (dropped) => Object.values(dropped).reduce((total, count) => total + count, 0);

/** @param {number} count @param {string} one @param {string} [many] */
const count = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** @param {[number, number][]} ranges */
const numbers = (ranges) => ranges.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(', ');

/**
 * @param {LedgerReport} report
 * @param {LedgerAudit} [audit]
 */
export function show(report, audit) {
  const { by, rows, total, next } = report;
  /** @param {string} name @param {LedgerCounts} row */
  const cells = (name, row) => [
    name,
    ...COLUMNS.map((column) => number(column === 'dropped' ? sum(row.dropped) : row[column])),
  ];
  const table = [
    [by, ...COLUMNS],
    ...rows.map((row) => cells(row.name === '' ? '–' : row.name, row)),
    ...(rows.length === 1 && !next ? [] : [cells('total', total)]),
  ];
  const widths = [by, ...COLUMNS].map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  const lines = table.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  if (next) lines.push(`… more rows; --limit shows them`);
  lines.push('', ...notes(report), ...(audit ? auditLines(audit) : []), verdict(report));
  if (audit) lines.push(auditVerdict(audit));
  return `${lines.join('\n')}\n`;
}

/** @param {LedgerReport} report */
function notes({ total, rows }) {
  const { tails, dropped } = total;
  const notes = [
    `${count(total.sources, 'source')}: ${number(tails.ended)} ended, ${number(tails.open)} may go on, ${number(tails.unknown)} with an end that nobody told`,
  ];
  const reasons = Object.entries(dropped).sort(([, a], [, b]) => b - a);
  if (reasons.length > 0) notes.push(`dropped: ${reasons.map(([reason, n]) => `${reason} ${number(n)}`).join(', ')}`);
  if (total.possible > 0) notes.push(`possible: ${count(total.possible, 'number')} that may still arrive`);
  if (total.unknown > 0) {
    notes.push(
      `unknown: ${count(total.unknown, 'event')} waited in browsers that never came back, or whose visitors withdrew consent`,
    );
  }
  if (total.repeated > 0) notes.push(`${count(total.repeated, 'event')} came again, and were stored once`);
  if (total.unnumbered > 0)
    notes.push(`not provable: ${count(total.unnumbered, 'event')} in formats that do not number them`);
  if (total.contradicted > 0) notes.push(`${count(total.contradicted, 'event')} arrived although said to be dropped`);
  if (total.implausible > 0) notes.push(`${count(total.implausible, 'jump')} too wide to be true, not counted`);
  if (total.coarsened > 0) notes.push(`of ${count(total.coarsened, 'source')} only lower bounds are known`);
  for (const { name, source } of rows) {
    if (source && source.missing.length > 0) notes.push(`${name} misses ${numbers(source.missing)}`);
  }
  return notes;
}

/** @param {LedgerReport} report */
function verdict({ total, missingSources }) {
  if (total.missing === 0) return 'nothing is missing';
  const sources = missingSources > 0 ? ` from ${count(missingSources, 'source')}` : '';
  return `${count(total.missing, 'event is', 'events are')} missing${sources}`;
}

/** @param {LedgerAudit} audit */
function auditLines({ discrepancies }) {
  return discrepancies.flatMap(({ source, gone, stray }) => [
    ...(gone.length > 0 ? [`gone from the database: ${source} ${numbers(gone)}`] : []),
    ...(stray.length > 0 ? [`came in past the collector: ${source} ${numbers(stray)}`] : []),
  ]);
}

/** @param {LedgerAudit} audit */
function auditVerdict({ checked, gone, stray }) {
  if (gone + stray === 0) return `all ${count(checked, 'event')} of the ledger are in the database, and no others`;
  const found = [
    ...(gone > 0 ? [`${count(gone, 'event')} gone from the database`] : []),
    ...(stray > 0 ? [`${count(stray, 'event')} that the collector never took`] : []),
  ];
  return `the audit found ${found.join(' and ')}`;
}
