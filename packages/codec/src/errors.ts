/** What went wrong, for programs; the message says it for people. */
export type EspErrorCode =
  /** Not an `.esp` file. */
  | 'magic'
  /** A version or required feature this decoder does not know. */
  | 'version'
  /** The file is shorter or longer than it says. */
  | 'length'
  /** A CRC32C does not match: the bytes were damaged. */
  | 'checksum'
  /** The header contradicts itself or a rule of the format. */
  | 'header'
  /** A payload contradicts the header or a rule of the format. */
  | 'payload'
  /** The file asks for more than the caller's limits allow. */
  | 'limit'
  /** An update was given another file than the one that it is for. */
  | 'old'
  /** What was handed to the encoder cannot be stored. */
  | 'input'
  /** An unknown option, or one out of range. */
  | 'option'
  /** The file could not be fetched. */
  | 'fetch'
  /** The worker that was to decode it failed, or is gone. */
  | 'worker';

/**
 * The only error that reading or writing an `.esp` file throws.
 *
 * @example
 * ```ts
 * import { decode, EspError } from '@espalier/codec';
 *
 * let code = '';
 * try {
 *   decode(new Uint8Array(40));
 * } catch (error) {
 *   if (error instanceof EspError) code = error.code;
 * }
 * if (code !== 'magic') throw new Error('expected a typed error');
 * ```
 */
export class EspError extends Error {
  /** See {@link EspErrorCode}. */
  readonly code: EspErrorCode;

  constructor(code: EspErrorCode, message: string) {
    super(message);
    this.name = 'EspError';
    this.code = code;
  }
}

/** Throws an {@link EspError}. */
export function fail(code: EspErrorCode, message: string): never {
  throw new EspError(code, message);
}

/**
 * Throws for a broken rule of the format: 1 to 50 concern the header, 51 and more a payload. The numbers are
 * listed in docs/format.md; messages would be a fifth of the decoder.
 */
export function broken(rule: number): never {
  return fail(rule < 51 ? 'header' : 'payload', `broken rule ${rule} of docs/format.md`);
}

/** Fails unless `name` is one of `names`. */
export function checkName(kind: string, name: string, names: readonly string[]): void {
  if (!names.includes(name)) fail('option', `unknown ${kind} "${name}": known ${names.join(', ')}`);
}
