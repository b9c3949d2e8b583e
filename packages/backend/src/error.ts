/** What went wrong, as a word a program can test. */
export type BackendErrorCode =
  | 'backend-unavailable'
  | 'backend-unknown'
  | 'package-missing'
  | 'no-adapter'
  | 'device-lost'
  | 'sync-read'
  | 'tool-missing'
  | 'download-failed'
  | 'build-failed'
  | 'verification-failed'
  | 'optimizer'
  | 'threads'
  | 'kernel';

/**
 * An error of this package: what happened, and what to do about it.
 *
 * @example
 * ```ts
 * import { BackendError } from '@espalier/backend';
 * const error = new BackendError('tool-missing', 'g++ was not found', 'Install a C++ compiler.');
 * if (error.code !== 'tool-missing' || !error.message.includes('Install')) throw new Error('unexpected');
 * ```
 */
export class BackendError extends Error {
  override readonly name: string = 'BackendError';
  readonly code: BackendErrorCode;
  /** What the user can do, a whole sentence. */
  readonly remedy: string;

  constructor(code: BackendErrorCode, what: string, remedy: string, options?: ErrorOptions) {
    super(`${what.replace(/[.\s]+$/, '')}. ${remedy}`, options);
    this.code = code;
    this.remedy = remedy;
  }
}
