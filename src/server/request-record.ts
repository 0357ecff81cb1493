import type { ErrorWord } from './refusal.js';

/** What a server knows of who calls it, and a `Request` does not say. */
export interface ClientInfo {
  /** The address the connection came from. `petrel/server/node` gives it; elsewhere it is the server's to pass on. */
  address?: string;
}

/** A request and what became of it, for a log. Holds nothing that the events hold. */
export interface RequestRecord {
  /** The request's `X-Request-Id`, or one made for it: the answer has it too. */
  id: string;
  method: string;
  /** The path, at most 200 characters of it. */
  path: string;
  status: number;
  /** From the request's beginning to its answer, in milliseconds. */
  ms: number;
  /** Why it was refused. */
  error?: ErrorWord;
  accepted?: number;
  duplicates?: number;
  rejected?: number;
  /** The write key, where it is one of this collector's. */
  key?: string;
  /** The page's origin. */
  origin?: string;
  /** Where `privacy.ip` allows it. */
  address?: string;
}

/** What an id may be that is taken over from the request: it is written to logs and into a header. */
const ID_PATTERN = /^[\w.:+/=-]{1,128}$/;

/** The id that a proxy gave the request, or a new one. */
export function requestIdOf(headers: Headers, make: () => string): string {
  const given = headers.get('x-request-id')?.trim();
  return given !== undefined && ID_PATTERN.test(given) ? given : make();
}
