import { blocksOf, EspalierError, type Parameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { PenalisedStructure } from '../structures.js';

/** A tensor seen as groups: a shape to see it in, and the axes of it that run within a group. */
export interface View {
  /** Number of groups. */
  readonly groups: number;
  /** Elements per group; one number when all are the same. */
  readonly sizes: number | readonly number[];
  /** Adds (or takes the maximum) within each group, `[groups]`. */
  reduce(x: tf.Tensor, by?: 'sum' | 'max'): tf.Tensor1D;
  /** Multiplies each element by its group's factor. */
  scale(x: tf.Tensor, factors: tf.Tensor): tf.Tensor;
}

const all = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

/** Groups along axes of `seen`, the shape the tensor is reshaped to. */
function reshaped(parameter: Parameter, seen: readonly number[], axes: readonly number[]): View {
  const shape = parameter.shape as number[];
  const kept = seen.map((d, axis) => (axes.includes(axis) ? 1 : d));
  const groups = product(kept);
  return {
    groups,
    sizes: parameter.size / groups,
    reduce(x, by = 'sum') {
      const own = tf.reshape(x, seen as number[]);
      if (axes.length === 0) return tf.reshape(own, [groups]);
      const within = by === 'sum' ? tf.sum(own, axes as number[]) : tf.max(own, axes as number[]);
      return tf.reshape(within, [groups]);
    },
    scale: (x, factors) =>
      tf.reshape(tf.mul(tf.reshape(x, seen as number[]), tf.reshape(factors, kept)), shape),
  };
}

/** Blocks over the last dimensions, cut off at the edges: padded with zeros to whole blocks. */
function blocks(owner: string, parameter: Parameter, sizes: readonly number[]): View {
  const shape = parameter.shape as number[];
  const { block, grid, count, of } = blocksOf(owner, parameter, sizes);
  // Dimension d becomes [d / b, b]; those that are not cut into blocks stay single.
  const seen = shape.flatMap((d, i) => (block[i] === 1 ? [d] : [grid[i], block[i]]));
  const axes: number[] = [];
  for (let i = 0, axis = 0; i < shape.length; axis += block[i] === 1 ? 1 : 2, i++) {
    if (block[i] > 1) axes.push(axis + 1);
  }
  if (seen.length > 6) {
    throw new EspalierError(
      'invalid-option',
      `${owner}: blocks [${block}] of ${parameter.name} have ${seen.length} dimensions.`,
      { remedy: 'Cut fewer dimensions into blocks: TensorFlow.js adds up along 6 at most.' },
    );
  }
  const padded = grid.map((n, i) => n * block[i]);
  const whole = reshaped({ ...parameter, shape: padded, size: product(padded) }, seen, axes);
  if (padded.every((d, i) => d === shape[i])) return whole;
  const pad = (x: tf.Tensor): tf.Tensor =>
    tf.pad(
      x,
      shape.map((d, i): [number, number] => [0, padded[i] - d]),
    );
  const elements = new Array<number>(count).fill(0);
  for (const index of of) elements[index]++;
  return {
    groups: count,
    sizes: elements,
    reduce: (x, by) => whole.reduce(pad(x), by),
    scale: (x, factors) =>
      tf.slice(
        whole.scale(pad(x), factors),
        shape.map(() => 0),
        shape,
      ),
  };
}

/**
 * A parameter as groups of a kind.
 *
 * @throws EspalierError `invalid-option` when it has no groups of that kind
 */
export function viewOf(
  owner: string,
  parameter: Parameter,
  kind: PenalisedStructure,
  block: readonly number[] = [],
): View {
  const { name, shape, axes } = parameter;
  const rank = shape.length;
  const missing = (remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${name} of shape [${shape}] has no ${kind}.`, {
      remedy,
    });
  };
  const allBut = (...kept: number[]): View =>
    reshaped(
      parameter,
      shape,
      all(rank).filter((axis) => !kept.includes(axis)),
    );
  switch (kind) {
    case 'elements':
      return allBut(...all(rank));
    case 'layer':
      return allBut();
    case 'rows':
    case 'columns':
      if (rank !== 2) missing("Rows and columns are those of matrices; try 'filters' or 'channels'.");
      return allBut(kind === 'rows' ? 0 : 1);
    case 'kernels':
      if (axes.spatial.length === 0) missing("Kernels are those of convolutions; try 'columns'.");
      return allBut(...all(rank).filter((axis) => !axes.spatial.includes(axis)));
    case 'channels':
      if (axes.in === undefined) missing('Channels are those of weights with inputs, such as kernels.');
      return allBut(axes.in!);
    case 'filters':
    case 'units': {
      // Each filter of a depthwise kernel is a pair of input channel and multiplier.
      if (axes.multiplier !== undefined) return allBut(axes.in!, axes.multiplier);
      if (axes.out === undefined) missing('Leave the parameter out of the schedule.');
      const { gates } = axes;
      if (kind === 'filters' || gates === 1) return allBut(axes.out!);
      // Recurrent layers: the gates of unit j are `units` apart along the last axis.
      const seen = [...shape.slice(0, -1), gates, shape[rank - 1] / gates];
      return reshaped(parameter, seen, all(rank));
    }
    case 'blocks':
      return blocks(owner, parameter, block);
  }
}
