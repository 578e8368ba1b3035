import { ERRORS, type ErrorCode } from './error-codes.js';

export { ERRORS, type ErrorCode };

/** Where an error stands: as many of these as are known. */
export interface Where {
  readonly file?: string | undefined;
  /** Offset from the start of the file. */
  readonly byte?: number | undefined;
  readonly node?: string | undefined;
  readonly value?: string | undefined;
  /** A field of a card, an option, a key of a checkpoint. */
  readonly field?: string | undefined;
}

/** What an error says beside its message. */
export interface ErrorDetails {
  /** One thing to do. */
  readonly hint?: string | undefined;
  readonly at?: Where | undefined;
  readonly cause?: unknown;
}

/** The one error class for everything that is not a bug: callers branch on `code`. The message says what was found and what was expected. */
export class CnnxError extends Error {
  override readonly name = 'CnnxError';
  readonly hint: string | undefined;
  readonly at: Where;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.hint = details.hint;
    this.at = details.at ?? {};
  }

  /** 1 a check failed, 2 usage or bad input, 3 the environment lacks something, 4 a file could not be read or written. */
  get exitCode(): number {
    return ERRORS[this.code].exit;
  }

  /** The same error with more of its place filled in; what is already known stays. */
  within(at: Where): CnnxError {
    return new CnnxError(this.code, this.message, {
      hint: this.hint,
      cause: this.cause,
      at: { ...at, ...known(this.at) },
    });
  }
}

const known = (at: Where): Where => Object.fromEntries(Object.entries(at).filter(([, v]) => v !== undefined));

/** Exhaustiveness: a switch that reaches this does not compile. */
export function never(x: never): never {
  throw new Error(`bug: unexpected ${String(x)}`);
}
