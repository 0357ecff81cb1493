/** The five characters with which PostgreSQL says what went wrong; undefined when the error is not from the server. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object) ? code : undefined;
}

/**
 * Whether the server refuses the data itself, and will again: a value no column takes (class 22), a constraint (class 23), a limit of the
 * server (class 54). All else may pass: connections (08), shutting down and its kin (57), resources (53), locks (55), transactions (40); and what somebody
 * has to mend: rights and tables (42), passwords (28), databases (3D).
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const isRefusal = (state: string | undefined) => state !== undefined && /^(22|23|54)/.test(state);

/** Two transactions were in each other's way, and this one was undone: to be made again at once. */
export const isConflict = (state: string | undefined) => state === '40001' || state === '40P01';
