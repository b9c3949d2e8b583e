import { EspalierError, type Parameter } from '@espalier/core';

/** A partition of a tensor into blocks: which block each element belongs to. */
export interface Blocks {
  readonly count: number;
  /** Block of each element, row-major. */
  readonly of: Uint32Array;
}

/** @throws EspalierError `invalid-option` when a block has more dimensions than the tensor */
export function checkBlock({ name, shape: dims }: Parameter, shape: readonly number[]): void {
  if (shape.length <= dims.length) return;
  throw new EspalierError('invalid-option', `A block [${shape}] does not fit ${name} of shape [${dims}].`, {
    remedy: `Give at most ${dims.length} numbers, for the last dimensions of the tensor.`,
  });
}

/**
 * Blocks of `shape` over the parameter's last dimensions (leading dimensions get 1); those at the edges are
 * cut off where the tensor ends.
 *
 * @throws EspalierError `invalid-option` when the block has more dimensions than the tensor.
 */
export function blocksOf(parameter: Parameter, shape: readonly number[]): Blocks {
  const { shape: dims, size } = parameter;
  checkBlock(parameter, shape);
  const block = [...new Array<number>(dims.length - shape.length).fill(1), ...shape];
  const grid = dims.map((d, axis) => Math.ceil(d / block[axis]));
  const of = new Uint32Array(size);
  // Row-major, one axis after the other: index = index * grid[axis] + floor(position / block[axis]).
  let inner = size;
  for (let axis = 0; axis < dims.length; axis++) {
    inner /= dims[axis];
    for (let i = 0; i < size; i++) {
      const position = Math.floor(i / inner) % dims[axis];
      of[i] = of[i] * grid[axis] + Math.floor(position / block[axis]);
    }
  }
  return { count: grid.reduce((a, b) => a * b, 1), of };
}

/** Mean score of each block over its elements that are there; -Infinity for a block that is gone. */
export function blockScores(blocks: Blocks, scores: Float32Array): Float32Array {
  const sums = new Float64Array(blocks.count);
  const sizes = new Uint32Array(blocks.count);
  const gone = new Uint32Array(blocks.count);
  for (let i = 0; i < scores.length; i++) {
    const block = blocks.of[i];
    sizes[block]++;
    if (scores[i] === Number.NEGATIVE_INFINITY) gone[block]++;
    else sums[block] += scores[i];
  }
  return Float32Array.from(sums, (sum, b) =>
    gone[b] === sizes[b] ? Number.NEGATIVE_INFINITY : sum / sizes[b],
  );
}

/** The mask of the elements from the mask of the blocks. */
export function spread(blocks: Blocks, mask: Float32Array): Float32Array {
  const elements = new Float32Array(blocks.of.length);
  for (let i = 0; i < elements.length; i++) elements[i] = mask[blocks.of[i]];
  return elements;
}
