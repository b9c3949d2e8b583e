/** One tensor of every example, one after the other. */
export interface Column {
  /** Which input or output of the model it is for; absent where they go by their order. */
  readonly name?: string;
  /** One example's shape. */
  readonly shape: readonly number[];
  /** Bytes are scaled when batches are cut; other numbers are taken as they are. */
  readonly values: Uint8Array | Float32Array | Int32Array;
  /** Of labels that are classes: their names. `values` are then indices into them, and `shape` is `[]`. */
  readonly classes?: readonly string[];
}

/** Examples in memory. */
export interface Examples {
  readonly size: number;
  readonly inputs: readonly Column[];
  readonly labels: readonly Column[];
  /** How much each example counts, >= 0. */
  readonly weights?: Float32Array;
}

/** How many numbers a shape has. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

function takeColumn(column: Column, indices: ArrayLike<number>): Column {
  const stride = sizeOf(column.shape);
  const Type = column.values.constructor as new (length: number) => Float32Array;
  const values = new Type(indices.length * stride);
  for (let i = 0; i < indices.length; i++) {
    values.set(column.values.subarray(indices[i] * stride, (indices[i] + 1) * stride), i * stride);
  }
  return { ...column, values };
}

/** The examples at `indices`, copied. */
export function takeExamples(examples: Examples, indices: ArrayLike<number>): Examples {
  const { inputs, labels, weights } = examples;
  return {
    size: indices.length,
    inputs: inputs.map((column) => takeColumn(column, indices)),
    labels: labels.map((column) => takeColumn(column, indices)),
    ...(weights && { weights: Float32Array.from(indices, (index) => weights[index]) }),
  };
}
