// One statement of SQL, and no more.

const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;|[^;'"`[\-/]+|[\s\S]/g;

/**
 * Whether anything but comments and blanks follows the first semicolon. libsql would run the first statement and be silent about the rest.
 *
 * @param {string} sql
 */
export function hasSeveralStatements(sql) {
  let ended = false;
  for (const [token] of sql.matchAll(TOKEN)) {
    if (token === ';') ended = true;
    else if (ended && token.trim() !== '' && !token.startsWith('--') && !token.startsWith('/*')) return true;
  }
  return false;
}
