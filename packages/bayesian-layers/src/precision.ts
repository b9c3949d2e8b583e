import type { QuantizedTensor } from '@espalier/core';

/** Significand bits that a float32 has at most. */
const mostBits = 23;
/** Values that a codebook may have. */
const mostValues = 65536;

/** δ(t) = ½ 2^(1-t) = 2^-t: the unit round-off of a significand of t bits. */
export function unitRoundOff(bits: number): number {
  return 2 ** -bits;
}

/**
 * Significand bits that a weight with this posterior variance needs, by the rule of the authors' code: so many
 * t of 1 to 23 have 2 · variance < 2^-t. (It compares the variance, not the deviation, with the round-off.)
 *
 * @example
 * ```ts
 * import { significandBits } from '@espalier/bayesian-layers';
 * if (significandBits(0.01) !== 5 || significandBits(1) !== 0) throw new Error('unexpected');
 * ```
 */
export function significandBits(variance: number): number {
  let bits = 0;
  while (bits < mostBits && 2 * variance < unitRoundOff(bits + 1)) bits++;
  return bits;
}

/** Bits of a layer: the mean over the weights that are left, rounded up; 0 where none is left. */
export function layerBits(weights: ArrayLike<number>, variances: ArrayLike<number>): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    sum += significandBits(variances[i]);
    count++;
  }
  return count === 0 ? 0 : Math.ceil(sum / count);
}

/** The nearest multiple of 2^-bits, halves up: ⌊w / δ + ½⌋ δ. */
export function roundTo(weight: number, bits: number): number {
  const step = unitRoundOff(bits);
  return Math.floor(weight / step + 0.5) * step;
}

/**
 * A tensor on the fixed-point grid that its posterior variance allows: multiples of 2^-t, t the layer's bits.
 *
 * @param weights - Posterior means; what is exactly 0 stays so.
 * @param variances - Posterior variances, as many.
 *
 * @example
 * ```ts
 * import { dequantize } from '@espalier/core';
 * import { layerBits, roundTo, roundToGrid, unitRoundOff } from '@espalier/bayesian-layers';
 * const [weights, variances] = [Float32Array.of(0.3, 0, -0.77), Float32Array.of(0.01, 0.01, 0.01)];
 * if (layerBits(weights, variances) !== 5 || unitRoundOff(5) !== 1 / 32 || roundTo(0.3, 5) !== 10 / 32) throw new Error('unexpected');
 * const values = dequantize(roundToGrid(weights, variances));
 * if (values.join() !== '0.3125,0,-0.78125') throw new Error(values.join());
 * ```
 */
export function roundToGrid(weights: Float32Array, variances: Float32Array): QuantizedTensor {
  let bits = layerBits(weights, variances);
  const round = (): Float32Array => weights.map((w) => (w === 0 ? 0 : roundTo(w, bits)) + 0);
  const valuesOf = (tensor: Float32Array): Float32Array => Float32Array.from(new Set(tensor).add(0)).sort();
  let rounded = round();
  let codebook = valuesOf(rounded);
  for (; codebook.length > mostValues; codebook = valuesOf(rounded)) {
    bits--;
    rounded = round();
  }
  const entry = new Map([...codebook].map((value, i) => [value, i]));
  const indices = Array.from(rounded, (value) => entry.get(value) as number);
  return {
    codebook,
    indices: codebook.length <= 256 ? Uint8Array.from(indices) : Uint16Array.from(indices),
    fixed: [entry.get(0) as number],
  };
}
