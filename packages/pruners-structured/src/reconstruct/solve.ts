/**
 * Solves A X = B for a symmetric positive definite A `[n, n]` and B `[n, m]` (Cholesky, A = L Lᵀ), in place:
 * A becomes L below its diagonal, B becomes X. Row-major, float64.
 *
 * @returns Whether A was positive definite; otherwise B is of no use.
 */
export function solveSymmetric(a: Float64Array, b: Float64Array, n: number, m: number): boolean {
  for (let j = 0; j < n; j++) {
    let pivot = a[j * n + j];
    for (let k = 0; k < j; k++) pivot -= a[j * n + k] ** 2;
    if (!(pivot > 0)) return false;
    const root = Math.sqrt(pivot);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = sum / root;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtract(b, i, k, a[i * n + k], m);
    for (let c = 0; c < m; c++) b[i * m + c] /= a[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) subtract(b, i, k, a[k * n + i], m);
    for (let c = 0; c < m; c++) b[i * m + c] /= a[i * n + i];
  }
  return true;
}

/** Row i -= factor · row k. */
function subtract(b: Float64Array, i: number, k: number, factor: number, m: number): void {
  if (factor === 0) return;
  for (let c = 0; c < m; c++) b[i * m + c] -= factor * b[k * m + c];
}

/**
 * The weights on the kept inputs that come nearest to what the layer gave on all of them, in least squares:
 * min ‖X W - X_k W'‖² + λ ‖W' - W_k‖², so that (G_kk + λ) W' = G_k· W + λ W_k with G = XᵀX. λ is `ridge` times the
 * mean of G's diagonal: where the sample says nothing, the weights stay.
 *
 * @param gram - G `[n, n]`
 * @param weights - W `[n, m]`
 * @param kept - The rows that stay, ascending.
 * @returns W `[n, m]` with the new rows where inputs are kept and 0 elsewhere.
 */
export function refit(
  gram: Float64Array,
  weights: Float64Array,
  kept: Int32Array,
  n: number,
  m: number,
  ridge: number,
): Float64Array {
  const size = kept.length;
  let trace = 0;
  for (let i = 0; i < n; i++) trace += gram[i * n + i];
  const lambda = (ridge * trace) / n || 1;
  const a = new Float64Array(size * size);
  const b = new Float64Array(size * m);
  for (const [r, i] of kept.entries()) {
    for (const [c, k] of kept.entries()) a[r * size + c] = gram[i * n + k];
    a[r * size + r] += lambda;
    for (let k = 0; k < n; k++) {
      const factor = gram[i * n + k] + (k === i ? lambda : 0);
      if (factor === 0) continue;
      for (let c = 0; c < m; c++) b[r * m + c] += factor * weights[k * m + c];
    }
  }
  const result = new Float64Array(n * m);
  const solved = solveSymmetric(a, b, size, m);
  for (const [r, i] of kept.entries()) {
    for (let c = 0; c < m; c++) result[i * m + c] = solved ? b[r * m + c] : weights[i * m + c];
  }
  return result;
}
