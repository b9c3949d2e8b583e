import type { Axes } from '@espalier/core';

/** Where the groups of a layer are: the units (channels) that it reads, or those that it makes. */
export type Side = 'inputs' | 'outputs';

/** The groups of a kernel: slices that share one scale, and are pruned together. */
export interface Groups {
  readonly side: Side;
  readonly count: number;
  /** The kernel's axes that number the groups. */
  readonly axes: readonly number[];
  /** All other axes. */
  readonly others: readonly number[];
  /** The kernel's shape with 1 in place of all other axes: one number per group, ready to broadcast. */
  readonly broadcast: readonly number[];
}

/** Dense layers by inputs, convolutions by outputs, as in the paper. */
export function defaultSide({ spatial }: Pick<Axes, 'spatial'>): Side {
  return spatial.length === 0 ? 'inputs' : 'outputs';
}

/** Kernel layouts: dense `[in, out]`, convolutions `[…, in, out]`, depthwise `[h, w, in, multiplier]`. */
export function groupsOf(shape: readonly number[], depthwise: boolean, side: Side): Groups {
  const rank = shape.length;
  const axes = side === 'inputs' ? [rank - 2] : depthwise ? [rank - 2, rank - 1] : [rank - 1];
  const broadcast = shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  return {
    side,
    axes,
    others: shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)),
    broadcast,
    count: broadcast.reduce((a, b) => a * b, 1),
  };
}

/** How many weights a group has. */
export function groupSize(shape: readonly number[], { others }: Groups): number {
  return others.reduce((size, axis) => size * shape[axis], 1);
}

/** The group of each element of a kernel, row-major. */
export function groupIndices(shape: readonly number[], { axes, broadcast }: Groups): Int32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const own = broadcast.map((_, axis) => broadcast.slice(axis + 1).reduce((a, b) => a * b, 1));
  return Int32Array.from({ length: size }, (_, i) =>
    axes.reduce((group, axis) => group + (Math.floor(i / strides[axis]) % shape[axis]) * own[axis], 0),
  );
}
