import { asBytes } from '../bytes/view.js';
import type { Limits } from '../container/limits.js';
import { fail } from '../errors.js';
import { decode } from './decode.js';
import { inspect } from './inspect.js';

/**
 * Decodes the whole file and, where it carries a SHA-256, compares that of its payloads. Whether there was one:
 * the answer.
 *
 * @throws EspError as `decode`, and 'checksum' when the SHA-256 differs.
 *
 * @example
 * ```ts
 * import { encode, verify } from '@espalier/codec';
 *
 * const model = { weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' as const }], weightData: new ArrayBuffer(8) };
 * if (!(await verify(encode(model, { sha256: true })))) throw new Error('it has a SHA-256');
 * ```
 */
export async function verify(bytes: ArrayBuffer | ArrayBufferView, limits?: Limits): Promise<boolean> {
  decode(bytes, limits);
  const { sha256, headerBytes } = inspect(bytes, limits);
  if (sha256 === undefined) return false;
  const digest = await crypto.subtle.digest('SHA-256', asBytes(bytes).slice(headerBytes));
  const found = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256) fail('checksum', `the SHA-256 of the payloads is ${found}, not ${sha256}`);
  return true;
}
