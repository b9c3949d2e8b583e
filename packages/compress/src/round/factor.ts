/** H = M' D M with M unit lower triangular and D diagonal. */
export interface Factor {
  readonly size: number;
  /** `[size, size]`, below the diagonal; the rest is meaningless. */
  readonly lower: Float64Array;
  /** What is left of each feature's energy once the later ones have taken what they can predict of it. */
  readonly pivots: Float64Array;
}

/**
 * Part of the mean energy that is added to every feature: what was not among the examples may come. At most the first, and
 * less where covariances are hardly doubted.
 */
const damping = 3e-3;
const dampingByDoubt = 0.3;

/**
 * Factorises one group's moments. With errors e of the weights of a column, e' H e = sum over j of
 * D_j (e_j + sum over k < j of M_jk e_k)^2: taken in order, each weight can be chosen so that it makes up for the errors
 * before it. In float64 and in one order on all machines: small pivots are differences of large numbers.
 *
 * @param doubt - Part of every covariance that is taken for chance.
 * @param biased - Whether the last feature is the bias, the constant 1.
 */
export function factorize(moments: Float64Array, size: number, doubt: number, biased: boolean): Factor {
  const a = moments.slice();
  shrink(a, size, doubt, biased);
  // The bias is exact and must not be moved by the damping.
  const features = biased ? size - 1 : size;
  let energy = 0;
  for (let i = 0; i < features; i++) energy += a[i * size + i];
  const extra = (Math.min(damping, dampingByDoubt * doubt) * energy) / Math.max(1, features) + 1e-30;
  for (let i = 0; i < features; i++) a[i * size + i] += extra;
  const lower = new Float64Array(size * size);
  const pivots = new Float64Array(size);
  for (let end = size; end > 0; end -= block) {
    const start = Math.max(0, end - block);
    for (let j = end - 1; j >= start; j--) {
      const row = j * size;
      const pivot = Math.max(a[row + j], extra);
      pivots[j] = pivot;
      for (let i = 0; i < j; i++) lower[row + i] = a[row + i] / pivot;
      for (let i = start; i < j; i++) {
        const factor = lower[row + i];
        if (factor === 0) continue;
        const target = i * size;
        for (let k = 0; k <= i; k++) a[target + k] -= factor * a[row + k];
      }
    }
    eliminate(a, lower, size, start, end);
  }
  return { size, lower, pivots };
}

/** Rows that are eliminated one by one, before the rest is told of all of them at once; a multiple of four. */
const block = 64;

/** Takes what rows `start` to `end` predict off all rows before them, four at a time. */
function eliminate(a: Float64Array, lower: Float64Array, size: number, start: number, end: number): void {
  for (let i = 0; i < start; i++) {
    const target = i * size;
    for (let row = start * size; row < end * size; row += 4 * size) {
      const [two, three, four] = [row + size, row + 2 * size, row + 3 * size];
      const [f, g, h, l] = [lower[row + i], lower[two + i], lower[three + i], lower[four + i]];
      for (let k = 0; k <= i; k++) {
        a[target + k] -= f * a[row + k] + g * a[two + k] + (h * a[three + k] + l * a[four + k]);
      }
    }
  }
}

/** Takes `doubt` off all covariances (see `chooseDoubt`); means, which the bias carries, stay. */
function shrink(a: Float64Array, size: number, doubt: number, biased: boolean): void {
  const last = (size - 1) * size;
  for (let i = 0; i < (biased ? size - 1 : size); i++) {
    for (let j = 0; j < i; j++) {
      const means = biased ? a[last + i] * a[last + j] : 0;
      a[i * size + j] -= doubt * (a[i * size + j] - means);
      a[j * size + i] = a[i * size + j];
    }
  }
}
