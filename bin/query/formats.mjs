// Rows for people and for programs.

import { printable } from '../lib/command.mjs';

/** @typedef {null | number | bigint | string | Uint8Array} Value as SQLite has them */

/** Longest cell of a table, in characters. CSV and JSON are never cut. */
const MAX_CELL = 60;

/** @param {Value} value */
function text(value) {
  if (value === null) return '';
  return value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : String(value);
}

/**
 * @param {string[]} columns
 * @param {Value[][]} rows
 */
export function asTable(columns, rows) {
  const isNumber = columns.map((_, i) =>
    rows.every((row) => /^(number|bigint)$/.test(typeof row[i]) || row[i] === null),
  );
  const cut = (/** @type {string} */ cell) => {
    const characters = [...printable(cell)];
    return characters.length > MAX_CELL ? [...characters.slice(0, MAX_CELL - 1), '…'] : characters;
  };
  const cells = [columns, ...rows.map((row) => row.map(text))].map((row) => row.map(cut));
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat((widths[i] ?? 0) - cell.length);
        return isNumber[i] ? gap + cell.join('') : cell.join('') + gap;
      })
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return `${lines.join('\n')}\n`;
}

/**
 * A record of RFC 4180.
 * @param {Value[]} row
 */
export function asCsv(row) {
  const fields = row.map((value) => {
    const field = text(value);
    return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  });
  return `${fields.join(',')}\r\n`;
}

/**
 * @param {string[]} names
 * @param {Value[]} row
 */
export function asJson(names, row) {
  const entries = row.map((value, i) => [
    names[i],
    typeof value === 'bigint' || value instanceof Uint8Array ? text(value) : value,
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/**
 * Names that are all different: of two the same, the second is `name_2`.
 * @param {string[]} columns
 */
export function uniqueNames(columns) {
  /** @type {Set<string>} */
  const names = new Set();
  for (const column of columns) {
    let name = column;
    for (let n = 2; names.has(name); n++) name = `${column}_${n}`;
    names.add(name);
  }
  return [...names];
}
