/**
 * Mixes integers into 32 well-distributed bits (the finaliser of MurmurHash3, chained). A pure function: what
 * is random at a step depends on the seed and the step alone, so that a resumed run draws the same numbers.
 *
 * @example
 * ```ts
 * import { hash } from '@espalier/core';
 * if (hash(1, 2) !== hash(1, 2) || hash(1, 2) === hash(2, 1)) throw new Error('unexpected');
 * ```
 */
export function hash(...values: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const value of values) {
    h ^= Math.imul(value | 0, 0xcc9e2d51);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) + 0x6d2b79f5;
  }
  return h >>> 0;
}

/**
 * A 32-bit hash of a string (FNV-1a), to give each name a stream of its own.
 *
 * @example
 * ```ts
 * import { hash, hashString } from '@espalier/core';
 * const seedOf = (name: string): number => hash(7, hashString(name));
 * if (seedOf('fc1/kernel') === seedOf('fc2/kernel')) throw new Error('unexpected');
 * ```
 */
export function hashString(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/**
 * Uniform numbers in [0, 1) from a seed (a counter through `hash`).
 *
 * @example
 * ```ts
 * import { randomUniform } from '@espalier/core';
 * const draw = randomUniform(7);
 * const mean = Array.from({ length: 10000 }, draw).reduce((a, b) => a + b) / 10000;
 * if (Math.abs(mean - 0.5) > 0.02) throw new Error(String(mean));
 * ```
 */
export function randomUniform(seed: number): () => number {
  let counter = 0;
  return () => hash(seed, counter++) / 0x100000000;
}
