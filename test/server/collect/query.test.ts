import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asCsv, asTable, uniqueNames } from '../../../bin/query/formats.mjs';
import { hasSeveralStatements } from '../../../bin/query/sql.mjs';
import { createSqliteSink, type SqliteSink } from '../../../src/server/sinks/sqlite.js';
import { receivedEvent } from '../../contract/sink.contract.js';

const script = fileURLToPath(new URL('../../../bin/petrel.mjs', import.meta.url));

let folder: string;
let sink: SqliteSink;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'petrel-query-'));
  // The collector's own connection stays open: queries are asked while it runs.
  sink = await createSqliteSink({ path: join(folder, 'petrel.db') });
  const names = ['click', 'buy "now"', 'view,\n2'];
  await sink.write(
    names.map((name, i) => receivedEvent(i + 1, { name, properties: { price: 1.5 * i, text: 'x'.repeat(100) } })),
    [],
  );
});
afterAll(async () => {
  await sink.close();
  rmSync(folder, { recursive: true });
});

function petrel(args: string[], input?: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'query', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    ...(input !== undefined && { input }),
  });
  return { status, stdout, stderr };
}

describe('petrel query', () => {
  it('prints a table', () => {
    const { status, stdout } = petrel(["select seq, name, properties ->> 'price' as price from events order by seq"]);

    expect(status).toBe(0);
    expect(stdout).toBe(
      [
        'seq  name         price',
        '───  ───────────  ─────',
        '  1  click          0.0',
        '  2  buy "now"      1.5',
        '  3  view,\\u{a}2    3.0',
        '',
      ]
        .join('\n')
        .replaceAll('  0.0', '    0')
        .replaceAll('  3.0', '    3'),
    );
  });

  it('prints CSV that other programs read', () => {
    const { stdout } = petrel(['--csv', 'select seq, name, null as gap from events order by seq']);

    expect(stdout).toBe('seq,name,gap\r\n1,click,\r\n2,"buy ""now""",\r\n3,"view,\n2",\r\n');
  });

  it('prints JSON, large numbers exactly, and no name twice', () => {
    const { stdout } = petrel([
      '--json',
      "select 9007199254740993 as n, 1 as a, 2 as a, 2.5 as f, x'00ff' as b, null as c",
    ]);

    expect(JSON.parse(stdout)).toEqual([{ n: '9007199254740993', a: 1, a_2: 2, f: 2.5, b: "x'00ff'", c: null }]);
    expect(JSON.parse(petrel(['--json', 'select 1 where 0']).stdout)).toEqual([]);
    expect(JSON.parse(petrel(['--json', 'select seq from events order by seq']).stdout)).toHaveLength(3);
  });

  it('reads the query from standard input', () => {
    expect(petrel(['--csv', '-'], 'select count(*) as n\nfrom events; -- all of them\n').stdout).toBe('n\r\n3\r\n');
  });

  it('shows as many rows as it is told, and says when there are more', () => {
    expect(petrel(['--limit', '2', 'select seq from events']).stdout).toContain('… more rows');
    expect(petrel(['--limit', '3', 'select seq from events']).stdout).not.toContain('… more rows');
    expect(petrel(['--csv', '--limit', '1', 'select seq from events order by seq']).stdout).toBe('seq\r\n1\r\n');
  });

  it.each([
    'delete from events',
    "insert into events (id) values ('x') returning id",
    'drop table events',
    'pragma user_version = 9',
    "attach 'other.db' as other",
    "vacuum into 'copy.db'",
    'create table x (a)',
    'begin immediate',
    'with a as (select 1) delete from events',
  ])('only reads: %s', (sql) => {
    const { status, stderr } = petrel([sql]);

    expect([1, 2]).toContain(status);
    expect(stderr).toContain('`petrel query` only reads');
    expect(petrel(['--csv', 'select count(*) as n from events']).stdout).toBe('n\r\n3\r\n');
    for (const file of ['other.db', 'copy.db']) expect(existsSync(join(folder, file))).toBe(false);
  });

  it.each<[string, string[], number]>([
    ['the query fails: no such table: event', ['select * from event'], 1],
    ['the query fails: near "selec": syntax error', ['selec 1'], 1],
    ['the query fails: integer overflow', ['select abs(-9223372036854775808)'], 1],
    ['takes one statement at a time', ['select 1; delete from events'], 2],
    ['needs a query', [], 2],
    ['takes one query: put it in quotes', ['select', '1'], 2],
    ['must be a query', [' -- nothing'], 2],
    ['there is no file nowhere.db', ['--db', 'nowhere.db', 'select 1'], 2],
    ['there is no file .', ['--db', '.', 'select 1'], 2],
    ['the database text.db cannot be read', ['--db', 'text.db', 'select 1'], 1],
    ['--csv and --json exclude each other', ['--csv', '--json', 'select 1'], 2],
    ['--limit must be a number of rows, not "many"', ['--limit', 'many', 'select 1'], 2],
  ])('says what is wrong: %s', (problem, args, exitCode) => {
    writeFileSync(join(folder, 'text.db'), 'this is text and no database'.repeat(100));

    const { status, stdout, stderr } = petrel(args);

    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('    at ');
    expect([status, stdout]).toEqual([exitCode, '']);
  });

  it('ends quietly when nobody reads on', () => {
    const db = new Libsql(join(folder, 'large.db'));
    db.exec(
      'create table t as with recursive n(i) as (select 1 union all select i + 1 from n limit 200000) select i from n',
    );
    db.close();
    const command = `"${process.execPath}" "${script}" query --db large.db --csv "select i from t" | head -2`;

    const { stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });

    expect([stdout, stderr]).toEqual(['i\r\n1\r\n', '']);
  });
});

describe('formats of a query', () => {
  it('show nothing that would move the cursor or turn the line', () => {
    const table = asTable(['a'], [['\u001b[2J'], ['\u202eabc']]);

    expect(table).toContain('\\u{1b}[2J');
    expect(table).toContain('\\u{202e}abc');
  });

  it('cut long cells of a table, not in the middle of a character', () => {
    const [, , line] = asTable(['a'], [['😀'.repeat(100)]]).split('\n');

    expect(line).toBe(`${'😀'.repeat(59)}…`);
  });

  it('quote what CSV needs quoted', () => {
    expect(asCsv(['a', 'b,c', '"', ' x', '', null, 5, 10n])).toBe('a,"b,c","""","\u0020x",,,5,10\r\n');
    expect(uniqueNames(['a', 'a', 'a_2', 'a'])).toEqual(['a', 'a_2', 'a_2_2', 'a_3']);
  });

  it.each<[string, boolean]>([
    ['select 1', false],
    ['select 1;', false],
    ['select 1; -- done\n /* really; */ ', false],
    ["select ';' || 'it''s; fine'", false],
    ['select ";a" from "b;c"', false],
    ['select [a;b], `c;d` from t -- ; select 2', false],
    ['select 1; select 2', true],
    ['select 1;; select 2', true],
    ["select ';'; delete from events", true],
    ['select 1 -- x\n; drop table events', true],
    ['/* ; */ select 1 ; /* */ select 2', true],
  ])('see whether there is more than one statement: %s', (sql, several) => {
    expect(hasSeveralStatements(sql)).toBe(several);
  });
});
