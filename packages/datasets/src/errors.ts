/** What went wrong, as a word programs can compare. */
export type DatasetErrorCode =
  | 'unknown-name'
  | 'unknown-option'
  | 'invalid-option'
  | 'not-found'
  | 'checksum'
  | 'bad-file'
  | 'fetch-failed'
  | 'cache';

/**
 * The error type of this package: a stable `code`, a message that names the file or value at fault and, where
 * there is one, the remedy. The same shape as `EspalierError`, without needing its package.
 */
export class DatasetError extends Error {
  readonly code: DatasetErrorCode;
  readonly remedy: string | undefined;

  constructor(code: DatasetErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(options.remedy === undefined ? message : `${message}\n  ${options.remedy}`, {
      cause: options.cause,
    });
    this.name = 'DatasetError';
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** Levenshtein distance (insert, delete, replace: 1 each). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length];
}

/** "Did you mean …?" and the list of valid names, for the remedy line of an error. */
export function suggest(name: string, valid: readonly string[]): string {
  const [nearest] = [...valid].sort((a, b) => editDistance(name, a) - editDistance(name, b));
  const near = nearest !== undefined && editDistance(name, nearest) <= Math.max(2, nearest.length / 2);
  return `${near ? `Did you mean "${nearest}"? ` : ''}Valid: ${valid.join(', ')}.`;
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
