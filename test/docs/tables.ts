import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

export const read = (file: string): string => readFileSync(`${root}${file}`, 'utf8');

/** The part of a page below a heading of the second level, up to the next one. */
export function partOf(page: string, heading: string): string {
  const [, part] = page.split(`\n## ${heading}\n`);
  if (part === undefined) throw new Error(`There is no heading "${heading}"`);
  return part.split('\n## ')[0]!;
}

/** The rows of the tables whose first column has this title; a column's title → what stands there. */
export function rowsOf(part: string, first: string): { [column: string]: string }[] {
  const rows: { [column: string]: string }[] = [];
  let titles: string[] | undefined;
  for (const line of part.split('\n')) {
    const cells = line.startsWith('|') ? line.slice(1, line.lastIndexOf('|')).split('|') : undefined;
    const texts = cells?.map((cell) => cell.trim());
    if (!texts) titles = undefined;
    else if (texts[0] === first) titles = texts;
    else if (titles && !/^-+$/.test(texts[0]!))
      rows.push(Object.fromEntries(titles.map((title, i) => [title, texts[i]!])));
  }
  return rows;
}

export interface Member {
  name: string;
  /** What `@defaultValue` says. */
  defaultValue: string | undefined;
  /** The comment's text, without tags. */
  text: string;
}

/** The members of an interface in a source file, those it inherits too, unless only its own are wanted. */
export function membersOf(file: string, name: string, { own = false } = {}): Member[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
  const declaration = source.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  );
  if (!declaration) {
    const from = whereFrom(source, name);
    if (!from) throw new Error(`${file} has no interface ${name}`);
    return membersOf(new URL(from.replace(/\.js$/, '.ts'), `file:///${file}`).pathname.slice(1), name);
  }
  const bases = own
    ? []
    : (declaration.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => type.getText()));
  return [
    ...bases.flatMap((base) => membersOf(file, base)),
    ...declaration.members.map((member) => {
      const comments = ts.getJSDocCommentsAndTags(member);
      const tags = ts.getJSDocTags(member);
      const tag = tags.find(({ tagName }) => tagName.text === 'defaultValue');
      return {
        name: member.name!.getText(),
        defaultValue: tag && ts.getTextOfJSDocComment(tag.comment)?.trim(),
        text: comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join(' '),
      };
    }),
  ];
}

/** The module a name is imported or handed on from. */
function whereFrom(source: ts.SourceFile, name: string): string | undefined {
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    if (!statement.moduleSpecifier || !new RegExp(`\\b${name}\\b`).test(statement.getText())) continue;
    return (statement.moduleSpecifier as ts.StringLiteral).text;
  }
  return undefined;
}

/** A default as code: without the quotes of Markdown. */
export const bare = (text: string | undefined): string => (text ?? 'none').replace(/`/g, '').trim();

/** The numbers in a text, spaces between digits taken out. */
export const numbersIn = (text: string): number[] =>
  [...text.replace(/(?<=\d)[ \u202f\u00a0](?=\d{3}\b)/g, '').matchAll(/(?<![\w.])\d+(?:\.\d+)?/g)].map(([number]) =>
    Number(number),
  );
