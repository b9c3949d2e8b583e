/** Levels beyond this are not coded well. */
const mostLevel = 32767;

/** Where a weight may lie that is nearest to a value, by its place in the tensor. */
export type Snap = (value: number, at: number) => number;

/** The nearest multiple of a step, as a whole number. */
export function levelOf(value: number, step: number): number {
  return Math.max(-mostLevel, Math.min(mostLevel, Math.round(value / step)));
}

/** To multiples of each weight's step. */
export function toSteps(steps: Float64Array): Snap {
  return (value, at) => Math.fround((levelOf(value, steps[at]) + 0) * steps[at]);
}

/** To the entries of a codebook, ascending. */
export function toCodebook(codebook: Float32Array): Snap {
  return (value) => {
    let [low, high] = [0, codebook.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value > (codebook[middle] + codebook[middle + 1]) / 2) low = middle + 1;
      else high = middle;
    }
    return codebook[low];
  };
}

/** Each weight by itself. */
export function roundPlain(values: Float32Array, snap: Snap): Float32Array {
  return values.map((value, i) => snap(value, i));
}
