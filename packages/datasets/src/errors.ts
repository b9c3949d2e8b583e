import { EspalierError, nearestName } from '@espalier/core';

/** What went wrong, as a word programs can compare. */
export type DatasetErrorCode =
  | 'unknown-name'
  | 'unknown-option'
  | 'invalid-option'
  | 'not-found'
  | 'checksum'
  | 'bad-file'
  | 'fetch-failed'
  | 'cache'
  | 'worker';

/** The error type of this package, an `EspalierError` with one of these codes. */
export class DatasetError extends EspalierError {
  declare readonly code: DatasetErrorCode;

  constructor(code: DatasetErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(code, message, options);
    this.name = 'DatasetError';
  }
}

/** "Did you mean …?" and the list of valid names, for the remedy line of an error. */
export function suggest(name: string, valid: readonly string[]): string {
  const near = nearestName(name, valid);
  return `${near === undefined ? '' : `Did you mean "${near}"? `}Valid: ${valid.join(', ')}.`;
}

/** Refuses options that nobody would read. */
export function checkOptions(where: string, given: object, valid: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!valid.includes(name)) {
      throw new DatasetError('unknown-option', `${where}: unknown option "${name}".`, {
        remedy: suggest(name, valid),
      });
    }
  }
}

/** Refuses a value that is not an integer of at least `least`. */
export function checkInteger(where: string, name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new DatasetError('invalid-option', `${where}: ${name} is ${value}.`, {
      remedy: `Give an integer of at least ${least}.`,
    });
  }
}
