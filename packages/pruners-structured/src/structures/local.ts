import { blocksOf, EspalierError, type Parameter } from '@espalier/core';
import { type Slice, sliceOf } from './slice.js';
import type { Structures } from './structures.js';

const each = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);

function refuse(kind: string, parameter: Parameter, remedy: string): never {
  throw new EspalierError(
    'invalid-option',
    `${parameter.name} of shape [${parameter.shape}] has no ${kind}.`,
    { remedy },
  );
}

/** The units along an axis; gates of a recurrent layer count as one unit. */
function along(parameter: Parameter, axis: number | undefined, kind: string): Slice {
  if (axis === undefined) return refuse(kind, parameter, 'Leave it out of the schedule.');
  const length = parameter.shape[axis];
  const units = axis === parameter.axes.out ? length / parameter.axes.gates : length;
  return sliceOf(
    parameter,
    axis,
    each(length).map((i) => i % units),
  );
}

function matrixAxis(parameter: Parameter, axis: 0 | 1, kind: string): Slice {
  if (parameter.shape.length !== 2) {
    return refuse(kind, parameter, 'Rows and columns are of matrices; use filters, channels or kernels.');
  }
  return sliceOf(parameter, axis, each(parameter.shape[axis]));
}

/** Two-dimensional (or 1-D, 3-D) kernels of a convolution: all positions of one input and one output. */
function kernels(parameter: Parameter): Slice {
  const { shape, axes } = parameter;
  if (axes.spatial.length === 0) {
    return refuse('kernels', parameter, 'Kernels are of convolutions; use rows or columns.');
  }
  const [a, b] = shape.slice(-2);
  return { parameter, outer: parameter.size / (a * b), length: a * b, inner: 1, units: each(a * b) };
}

/** Blocks over the last dimensions; those at the edges are cut off where the tensor ends. */
function blocks(owner: string, parameter: Parameter, block: readonly number[]): Slice {
  const { of } = blocksOf(owner, parameter, block);
  return { parameter, outer: 1, length: parameter.size, inner: 1, units: of };
}

/** Kinds of structures. */
export const structureKinds = [
  'filters',
  'units',
  'channels',
  'rows',
  'columns',
  'kernels',
  'blocks',
] as const;
/** Which parts of a tensor count as one. */
export type StructureKind = (typeof structureKinds)[number];

/** Structures of one tensor by itself: nothing else goes with them. */
export function localStructures(
  owner: string,
  parameter: Parameter,
  kind: StructureKind,
  block: readonly number[] | undefined,
): Structures {
  const makers: Readonly<Record<StructureKind, () => Slice>> = {
    filters: () => along(parameter, parameter.axes.out ?? parameter.axes.in, kind),
    units: () => along(parameter, parameter.axes.out ?? parameter.axes.in, kind),
    channels: () => along(parameter, parameter.axes.in, kind),
    rows: () => matrixAxis(parameter, 0, kind),
    columns: () => matrixAxis(parameter, 1, kind),
    kernels: () => kernels(parameter),
    blocks: () => blocks(owner, parameter, block ?? []),
  };
  const slice = makers[kind]();
  const size = slice.units.reduce((a, b) => Math.max(a, b), -1) + 1;
  return { name: parameter.name, size, scored: [slice], masked: [slice], group: undefined };
}
