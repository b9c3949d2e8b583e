import { shown } from './shown.js';

/** What went wrong, as a word programs can compare. Plugins may add their own codes. */
export type ErrorCode =
  | 'unknown-name'
  | 'unknown-option'
  | 'invalid-option'
  | 'invalid-schedule'
  | 'unsupported-layer'
  | 'shape-mismatch'
  | 'not-finite'
  | 'aborted'
  | 'bad-state'
  | 'bad-plugin'
  | (string & {});

/**
 * The error type of every Espalier package: a stable `code`, a message that names the value at fault and,
 * where there is one, the remedy.
 *
 * @example
 * ```ts
 * import { EspalierError } from '@espalier/core';
 * const error = new EspalierError('invalid-option', 'sparsity is 1.5', { remedy: 'Give a number in [0, 1].' });
 * if (error.code !== 'invalid-option' || !error.message.includes('[0, 1]')) throw new Error('unexpected');
 * ```
 */
export class EspalierError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(options.remedy === undefined ? message : `${message}\n  ${options.remedy}`, {
      cause: options.cause,
    });
    this.name = 'EspalierError';
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

/**
 * The candidate that is spelled most like `name`, or `undefined` when none is near (more than half of it
 * would have to change).
 *
 * @example
 * ```ts
 * import { nearestName } from '@espalier/core';
 * if (nearestName('kernal', ['kernel', 'bias']) !== 'kernel') throw new Error('unexpected');
 * ```
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best !== undefined && bestDistance <= Math.max(2, Math.floor(name.length / 2)) ? best : undefined;
}

/**
 * An `unknown-name` error that lists what there is and offers the nearest name.
 *
 * @param what - What kind of thing is named, for example `'parameter'`.
 *
 * @example
 * ```ts
 * import { unknownName } from '@espalier/core';
 * const { message, code } = unknownName('animal', 'hrose', ['horse', 'cow']);
 * if (code !== 'unknown-name' || !message.includes("Did you mean 'horse'?")) throw new Error(message);
 * ```
 */
export function unknownName(what: string, name: string, known: Iterable<string>): EspalierError {
  const names = [...known];
  const near = nearestName(name, names);
  const list =
    names.length <= 12 ? names.join(', ') : `${names.slice(0, 12).join(', ')}, … (${names.length})`;
  return new EspalierError('unknown-name', `There is no ${what} '${name}'.`, {
    remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Known: ${list || 'none'}.`,
  });
}

/**
 * Refuses keys of `options` that are not in `known`: a misspelled option is an error, never ignored.
 *
 * @throws EspalierError `unknown-option`, with the nearest valid key.
 *
 * @example
 * ```ts
 * import { checkOptions } from '@espalier/core';
 * let message = '';
 * try { checkOptions('level', { sparsty: 0.5 }, ['sparsity']); } catch (error) { message = String(error); }
 * if (!message.includes("Did you mean 'sparsity'?")) throw new Error(message);
 * ```
 */
export function checkOptions(owner: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = nearestName(key, known);
    throw new EspalierError('unknown-option', `${owner}: there is no option '${key}'.`, {
      remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Options: ${known.join(', ') || 'none'}.`,
    });
  }
}

/**
 * Refuses a number outside `[low, high]` (NaN included).
 *
 * @throws EspalierError `invalid-option`
 */
export function checkRange(owner: string, option: string, value: unknown, low: number, high: number): void {
  if (typeof value === 'number' && value >= low && value <= high) return;
  throw new EspalierError('invalid-option', `${owner}: ${option} is ${String(value)}.`, {
    remedy: `Give a number in [${low}, ${high}].`,
  });
}

/**
 * Refuses a value that is not one of those an option takes; returns it.
 *
 * @throws EspalierError `invalid-option`, with the nearest of them
 *
 * @example
 * ```ts
 * import { checkOneOf } from '@espalier/core';
 * let message = '';
 * try { checkOneOf('sensitivity', 'measure', 'onc', ['once', 'always']); } catch (error) { message = String(error); }
 * if (!message.includes("no measure 'onc'") || !message.includes("'once'")) throw new Error(message);
 * ```
 */
export function checkOneOf<const T>(owner: string, option: string, value: unknown, known: readonly T[]): T {
  if (known.includes(value as T)) return value as T;
  const names = known.map(String);
  const near = typeof value === 'string' ? nearestName(value, names) : undefined;
  const given = typeof value === 'string' ? `'${value}'` : shown(value);
  throw new EspalierError('invalid-option', `${owner}: there is no ${option} ${given}.`, {
    remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Known: ${names.join(', ')}.`,
  });
}
