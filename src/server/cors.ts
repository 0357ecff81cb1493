import { PetrelError } from '../core/errors.js';
import { show } from '../core/options.js';

/**
 * Which pages may post: all (`'*'`), those of the listed origins (`'https://shop.example'`), or those a function says yes to.
 * Requests without an `Origin` header do not come from a page, and are no matter of CORS.
 */
export type AllowedOrigins = '*' | readonly string[] | ((origin: string) => boolean);

export interface Cors {
  allows(request: Request): boolean;
  /** The headers an answer needs so that the page may read it. */
  headers(request: Request): Record<string, string>;
  /** The answer to a preflight. Petrel's own requests need none; other people's clients do. */
  preflight(request: Request): Response;
}

/** What a page may read besides the body: when to come back, by which clock, and what to ask about. Browsers hide all otherwise. */
const EXPOSED = 'Retry-After, Date, X-Request-Id';

/** Chromium caps this at 2 hours, Firefox at 24; Safari at 10 minutes. */
const PREFLIGHT_MAX_AGE_S = 7200;

/** @throws PetrelError `invalid-option` for an entry that is not an origin. */
export function createCors(origins: AllowedOrigins): Cors {
  let isAllowed: (origin: string) => boolean;
  if (origins === '*') isAllowed = () => true;
  else if (typeof origins === 'function') isAllowed = origins;
  else {
    if (!Array.isArray(origins) || !origins.every(isOrigin)) {
      const bad = Array.isArray(origins) ? origins.find((origin) => !isOrigin(origin)) : origins;
      throw new PetrelError(
        'invalid-option',
        `\`origins\` must be "*", a function, or origins such as "https://shop.example", not ${show(bad)}`,
      );
    }
    const list = new Set(origins);
    isAllowed = (origin) => list.has(origin);
  }

  const allows = (request: Request) => {
    const origin = request.headers.get('origin');
    return origin === null || isAllowed(origin);
  };

  return {
    allows,
    headers(request) {
      if (origins === '*') {
        return { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': EXPOSED };
      }
      // A refused page is named too: it learns nothing but that it is refused, and its developer sees 403 instead of a riddle.
      const origin = request.headers.get('origin');
      return {
        ...(origin !== null && { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED }),
        Vary: 'Origin',
      };
    },
    preflight(request) {
      return new Response(null, {
        status: 204,
        headers: {
          ...(allows(request) && {
            ...this.headers(request),
            'Access-Control-Allow-Methods': 'POST',
            'Access-Control-Allow-Headers': 'Authorization, Content-Type, Content-Encoding',
            'Access-Control-Max-Age': String(PREFLIGHT_MAX_AGE_S),
          }),
          Allow: 'POST, OPTIONS',
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
        },
      });
    },
  };
}

function isOrigin(value: unknown): boolean {
  // "null" is what sandboxed frames and file: pages send; who lists it means it.
  return typeof value === 'string' && (value === 'null' || (URL.canParse(value) && new URL(value).origin === value));
}
