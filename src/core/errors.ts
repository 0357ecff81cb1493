/** What went wrong, as a word a program can branch on. */
export type PetrelErrorCode =
  /** An option has the wrong type or is out of range. Thrown by `createTracker`, `startPetrel`, `createCollector`. */
  | 'invalid-option'
  /** The store cannot be used: refused, gone, or of a newer version. */
  | 'store-unavailable'
  /** The store has no room left. */
  | 'store-full'
  /** A store operation did not answer in time. */
  | 'store-timeout'
  /** A message or a body has the wrong shape. */
  | 'invalid-message'
  /** A body is of a later version of the wire format than this release knows. */
  | 'unsupported-version'
  /** A body holds more than the limits allow. */
  | 'too-large'
  /** The engine was closed. */
  | 'closed';

/** The one error class of the package. Keeps the `cause` where there is one. */
export class PetrelError extends Error {
  override readonly name = 'PetrelError';
  readonly code: PetrelErrorCode;

  constructor(code: PetrelErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
