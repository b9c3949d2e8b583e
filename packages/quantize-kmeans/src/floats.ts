import { EspalierError } from '@espalier/core';

/**
 * The numbers of any list as float32: a `Float32Array` as it is, others rounded.
 *
 * @param what - What one of them is called.
 * @throws EspalierError `invalid-option` for what is no list of numbers, and for numbers that no float32 comes near.
 */
export function floatsOf(owner: string, what: string, list: ArrayLike<number>): Float32Array {
  if (list instanceof Float32Array) return list;
  const refuse = (message: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}.`, {
      remedy: 'Give a Float32Array, or another list of numbers, which are rounded to float32.',
    });
  };
  if (typeof list !== 'object' || list === null || !Number.isInteger(list.length)) {
    refuse(`the ${what}s are no list of numbers but ${list?.constructor?.name ?? String(list)}`);
  }
  const floats = new Float32Array(list.length);
  for (let i = 0; i < floats.length; i++) {
    const number: unknown = list[i];
    if (typeof number !== 'number') refuse(`${what} ${i} is ${String(number)} (${typeof number})`);
    floats[i] = number as number;
    if (Math.abs(floats[i]) === Number.POSITIVE_INFINITY && Number.isFinite(number)) {
      refuse(`${what} ${i} is ${String(number)}, more than a float32 can be`);
    }
  }
  return floats;
}
