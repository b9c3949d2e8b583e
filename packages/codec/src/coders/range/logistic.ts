import { OWN } from '../../numbers.js';

/*
 * Frozen tables of the context coders. Only + - * / and floor on doubles are used to make them,
 * which IEEE 754 fixes to the bit (Math.exp and Math.log may differ between engines).
 *
 * Probabilities live in two forms: p in 1/65536, and stretch(p) = ln(p / (1 - p)) in 1/256, clipped to
 * +-RANGE (Mahoney, "Adaptive weighing of context models for lossless data compression", 2005).
 */

/** The largest absolute stretch: 8.3, p = 1 / 4073. It bounds how many weights a byte can stand for. */
export const RANGE = 2128;

/** All tables in one array, for the inner loops; see levels/tables.ts. */
export const tables: Int32Array = new Int32Array(OWN);

/** stretch[p >> 10] for a 22-bit p: the inverse of squash in 4096 steps. */
export const stretch: Int32Array = /* @__PURE__ */ tables.subarray(0, 4096);

/** squash[RANGE + x] = 65536 / (1 + e^(-x / 256)), inside [16, 65520]. */
export const squash: Int32Array = /* @__PURE__ */ tables.subarray(4096);

/** DELTA[n] = 2^13 / (n + 1.5): how far a state that has seen n bits moves, by the 22-bit error / 8. */
export const DELTA: Int32Array = /* @__PURE__ */ tables.subarray(8353);

/** DENSITY[d >> 4] of a 16-bit density d: 0 to 15, two steps an octave, 15 at a half and more. */
export const DENSITY: Int32Array = /* @__PURE__ */ tables.subarray(9377);

/** Where squash[RANGE] lies. */
const MIDDLE = 4096 + RANGE;
const one = 2 ** 30;
let e = one; // e^(-x / 256) in 1/2^30
for (let x = 0; x <= RANGE; x++) {
  const p = ((65536 * one) / (one + e)) | 0;
  tables[MIDDLE + x] = p;
  tables[MIDDLE - x] = 65536 - p;
  // e^(-1/256) = 4177952 / 2^22; the product is below 2^52, so exact.
  e = ((e * 4177952) / 2 ** 22) | 0;
}

let reached: number = -RANGE;
for (let i = 0; i < 4096; i++) {
  while (reached < RANGE && tables[MIDDLE + reached] < i * 16 + 8) reached++;
  tables[i] = reached;
  if (i < 1024) tables[8353 + i] = 8192 / (i + 1.5);
  const log = 31 - Math.clz32(i | 1);
  tables[9377 + i] = Math.max(0, Math.min(15, 2 * log + ((i >> (log - 1)) & 1) - 7));
}

/** The state after a bit, on its way to `goal`: TARGET0 or TARGET1. `m` begins with the tables; see `nextState`. */
export function moved(m: Int32Array, state: number, goal: number): number {
  return (
    state +
    (Math.imul(goal - (state >>> 13), m[8353 + (state & 1023)]) & -1024) +
    (((state & 1023) - 1022) >>> 31)
  );
}

/** The probability, in 1/65536, that a level is not 0 at first: bits 0-7 of the tuning, a stretch in 1/16 + 128. */
export function initial(tuning: number): number {
  return tables[MIDDLE + ((tuning & 255) - 128) * 16];
}
