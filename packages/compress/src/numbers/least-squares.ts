/** Solves `a x = b` for a symmetric, positive definite `a`, row-major, of any small size. Both are overwritten. */
export function solve(a: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  for (let j = 0; j < size; j++) {
    for (let i = j + 1; i < size; i++) {
      const factor = a[i * size + j] / a[j * size + j];
      for (let k = j; k < size; k++) a[i * size + k] -= factor * a[j * size + k];
      b[i] -= factor * b[j];
    }
  }
  for (let j = size; j-- > 0; ) {
    for (let k = j + 1; k < size; k++) b[j] -= a[j * size + k] * b[k];
    b[j] /= a[j * size + j];
  }
  return b;
}
