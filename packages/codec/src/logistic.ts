/*
 * Frozen tables of the logistic mixing coders. Only + - * / and floor on doubles are used to make them,
 * which IEEE 754 fixes to the bit (Math.exp and Math.log may differ between engines).
 *
 * Probabilities live in two forms: p in 1/65536, and stretch(p) = ln(p / (1 - p)) in 1/256, clipped to
 * +-RANGE (Mahoney, "Adaptive weighing of context models for lossless data compression", 2005).
 */

/** The largest absolute stretch: 8.3, p = 1 / 4073. It bounds how many weights a byte can stand for. */
export const RANGE = 2128;

/** squash[RANGE + x] = 65536 / (1 + e^(-x / 256)), inside [16, 65520]. */
export const squash: Uint16Array = makeSquash();

let reached: number = -RANGE;
/** stretch[p >> 10] for a 22-bit p: the inverse of squash in 4096 steps. */
export const stretch: Int16Array = Int16Array.from({ length: 4096 }, (_, i) => {
  while (reached < RANGE && squash[RANGE + reached] < i * 16 + 8) reached++;
  return reached;
});

/** The probability, in 1/65536, that a level is not 0 at first: bits 0-7 of the tuning, a stretch in 1/16 + 128. */
export function initial(tuning: number): number {
  return squash[RANGE + ((tuning & 255) - 128) * 16];
}

function makeSquash(): Uint16Array {
  const table = new Uint16Array(2 * RANGE + 1);
  let e = 2 ** 30; // e^(-x / 256) in 1/2^30
  for (let x = 0; x <= RANGE; x++) {
    const p = Math.floor((65536 * 2 ** 30) / (2 ** 30 + e));
    table[RANGE + x] = p;
    table[RANGE - x] = 65536 - p;
    // e^(-1/256) = 4177952 / 2^22; the product is below 2^52, so exact.
    e = Math.floor((e * 4177952) / 2 ** 22);
  }
  return table;
}
