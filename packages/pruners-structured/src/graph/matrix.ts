/**
 * What a layer reads: how each of its inputs enters each of its outputs, summed over the positions of a
 * convolution window.
 */
export interface Matrix {
  readonly inputs: number;
  readonly outputs: number;
  /** `[inputs, outputs]`: 1 where any weight is not 0. */
  readonly nonzero: Uint8Array;
  /** Sums of the weights of one input over the window, by output. */
  row(input: number): Float64Array;
}

/**
 * The matrix of a kernel `[…window, in, out]`, or `[…window, out, in]` when `transposed`.
 */
export function kernelMatrix(values: Float32Array, shape: readonly number[], transposed = false): Matrix {
  const made = matrices[transposed ? 'transposed' : 'plain'];
  const ready = made.get(values);
  if (ready !== undefined) return ready;
  const matrix = makeMatrix(values, shape, transposed);
  made.set(values, matrix);
  return matrix;
}

/** Those made already, by their weights: a model may be walked more than once. */
const matrices = {
  plain: new WeakMap<Float32Array, Matrix>(),
  transposed: new WeakMap<Float32Array, Matrix>(),
};

function makeMatrix(values: Float32Array, shape: readonly number[], transposed: boolean): Matrix {
  const [a, b] = shape.slice(-2);
  const [inputs, outputs] = transposed ? [b, a] : [a, b];
  const [inStride, outStride] = transposed ? [1, b] : [b, 1];
  const nonzero = new Uint8Array(inputs * outputs);
  const plane = a * b;
  for (let at = 0; at < values.length; at += plane) {
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < outputs; j++) {
        if (values[at + i * inStride + j * outStride] !== 0) nonzero[i * outputs + j] = 1;
      }
    }
  }
  return {
    inputs,
    outputs,
    nonzero,
    row(input) {
      const sums = new Float64Array(outputs);
      for (let at = input * inStride; at < values.length; at += plane) {
        for (let j = 0; j < outputs; j++) sums[j] += values[at + j * outStride];
      }
      return sums;
    },
  };
}

/** A depthwise convolution followed by a pointwise one, as one matrix. */
export function separableMatrix(depthwise: Matrix, pointwise: Matrix): Matrix {
  const { inputs, outputs: multiplier } = depthwise;
  const { outputs } = pointwise;
  const nonzero = new Uint8Array(inputs * outputs);
  for (let i = 0; i < inputs; i++) {
    for (let k = 0; k < multiplier; k++) {
      if (depthwise.nonzero[i * multiplier + k] === 0) continue;
      const from = (i * multiplier + k) * outputs;
      for (let j = 0; j < outputs; j++) nonzero[i * outputs + j] |= pointwise.nonzero[from + j];
    }
  }
  return {
    inputs,
    outputs,
    nonzero,
    row(input) {
      const sums = new Float64Array(outputs);
      const deep = depthwise.row(input);
      for (let k = 0; k < multiplier; k++) {
        const wide = pointwise.row(input * multiplier + k);
        for (let j = 0; j < outputs; j++) sums[j] += deep[k] * wide[j];
      }
      return sums;
    },
  };
}

/**
 * Constants of the outputs (before an activation) from those of the inputs: known where every input that
 * enters is. A constant other than 0 that meets zero padding is no constant after it.
 */
export function affine(
  matrix: Matrix,
  constants: Float64Array,
  bias: ArrayLike<number> | undefined,
  foldable: boolean,
): Float64Array {
  const { inputs, outputs, nonzero } = matrix;
  const result = Float64Array.from({ length: outputs }, (_, j) => bias?.[j] ?? 0);
  for (let i = 0; i < inputs; i++) {
    const c = constants[i];
    if (c === 0) continue;
    const lost = Number.isNaN(c) || !foldable;
    const row = lost ? undefined : matrix.row(i);
    for (let j = 0; j < outputs; j++) {
      if (nonzero[i * outputs + j] === 1) result[j] += row === undefined ? Number.NaN : c * row[j];
    }
  }
  return result;
}
