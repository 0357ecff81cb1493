/** NUL, and halves of surrogate pairs: what JavaScript's strings may hold and databases' may not. */
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * The text as a database can hold it, with U+FFFD for what it cannot. SQLite's driver cuts text off at a NUL, PostgreSQL refuses the row;
 * both take half a surrogate pair for broken UTF-8.
 */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\ufffd');
}
