import { EspalierError } from './errors.js';
import type { Parameter } from './parameter.js';
import { shown } from './shown.js';

/** A tensor cut into blocks; those at the edges are cut off where the tensor ends. */
export interface Blocks {
  /** The size of a block along each of the tensor's dimensions. */
  readonly block: readonly number[];
  /** How many blocks lie along each dimension. */
  readonly grid: readonly number[];
  readonly count: number;
  /** The block that each element belongs to, row-major. */
  readonly of: Int32Array;
}

const isSize = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 1;

/**
 * Refuses what is no block: a list of sizes along the last dimensions of a tensor, such as `[4, 4]`.
 *
 * @param parameter - Which it has to fit; without it, only the sizes are looked at.
 * @throws EspalierError `invalid-option`
 *
 * @example
 * ```ts
 * import { checkBlock, EspalierError } from '@espalier/core';
 * checkBlock('mine', [1, 8]);
 * try {
 *   checkBlock('mine', [0, 8]);
 * } catch (error) {
 *   if (!(error instanceof EspalierError) || error.code !== 'invalid-option') throw error;
 * }
 * ```
 */
export function checkBlock(owner: string, block: unknown, parameter?: Parameter): void {
  if (!Array.isArray(block) || block.length === 0 || !block.every(isSize)) {
    throw new EspalierError('invalid-option', `${owner}: block is ${shown(block)}.`, {
      remedy: 'Give a list of whole numbers >= 1, such as [1, 8].',
    });
  }
  const rank = parameter?.shape.length ?? block.length;
  if (block.length <= rank) return;
  const { name, shape } = parameter as Parameter;
  throw new EspalierError(
    'invalid-option',
    `${owner}: a block [${block}] does not fit ${name} of shape [${shape}].`,
    { remedy: `Give at most ${rank} numbers, for the last dimensions of the tensor.` },
  );
}

/**
 * A parameter cut into blocks of sizes along its last dimensions; leading dimensions get 1.
 *
 * @throws EspalierError `invalid-option` as `checkBlock`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { blocksOf, parametersOf } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [2], useBias: false })] });
 * const { grid, of } = blocksOf('mine', parametersOf(model)[0], [2]);
 * if (grid.join() !== '2,2' || of.join() !== '0,0,1,2,2,3') throw new Error('unexpected');
 * ```
 */
export function blocksOf(owner: string, parameter: Parameter, sizes: readonly number[]): Blocks {
  checkBlock(owner, sizes, parameter);
  const { shape, size } = parameter;
  const block = [...new Array<number>(shape.length - sizes.length).fill(1), ...sizes];
  const grid = shape.map((length, axis) => Math.ceil(length / block[axis]));
  const of = new Int32Array(size);
  // One axis after the other, the first outermost: index = index * grid[axis] + floor(position / block[axis]).
  let inner = size;
  for (const [axis, length] of shape.entries()) {
    inner /= length;
    for (let i = 0; i < size; i++) {
      const position = Math.floor(i / inner) % length;
      of[i] = of[i] * grid[axis] + Math.floor(position / block[axis]);
    }
  }
  return { block, grid, count: grid.reduce((a, b) => a * b, 1), of };
}
