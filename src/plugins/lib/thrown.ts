/** What can be said of something that was thrown, without the values it may carry. */
export interface Thrown {
  type: string;
  message: string;
  stack?: string;
  /** Type and message of the error's `cause`. */
  cause?: string;
}

/** Longest message, in characters. */
const MAX_MESSAGE = 1_000;

/** Anything can be thrown, and reading it may throw again. */
export function describeThrown(value: unknown, maxStackLength: number): Thrown {
  try {
    if (isErrorLike(value)) {
      const { name, message, stack, cause } = value;
      return {
        type: String(name || 'Error').slice(0, 100),
        message: tidy(message).slice(0, MAX_MESSAGE),
        ...(typeof stack === 'string' && maxStackLength > 0 && { stack: tidy(stack).slice(0, maxStackLength) }),
        ...(isErrorLike(cause) && { cause: tidy(`${cause.name}: ${cause.message}`).slice(0, MAX_MESSAGE) }),
      };
    }
    if (typeof value === 'object' && value !== null) {
      const keys = Object.keys(value).slice(0, 20).join(', ');
      return { type: 'object', message: `an object with ${keys || 'no keys'}`.slice(0, MAX_MESSAGE) };
    }
    return { type: typeof value, message: tidy(String(value)).slice(0, MAX_MESSAGE) };
  } catch {
    return { type: typeof value, message: 'something that cannot be read' };
  }
}

interface ErrorLike {
  name?: unknown;
  message: string;
  stack?: unknown;
  cause?: unknown;
}

/** Not `instanceof`: errors come from frames too, and a DOMException is none in some engines. */
function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === 'object' && value !== null && typeof (value as ErrorLike).message === 'string';
}

/** Without query and fragment of the addresses in it: they may carry secrets, and tell two equal errors apart. */
export function tidy(text: string): string {
  return text.replace(/\b([a-z][a-z+.-]*:\/\/[^\s?#()'"]*)[?#][^\s:()'"]*/gi, '$1');
}
