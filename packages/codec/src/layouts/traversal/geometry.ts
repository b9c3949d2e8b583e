import { broken } from '../../errors.js';

/** How a tensor is walked: which axis is folded in two, the axes' order, and where rows and lines end. */
export interface Traversal {
  /** Axis to fold, or -1. */
  foldAxis: number;
  /** Size of the inner (faster) part of the folded axis. */
  foldInner: number;
  /** The axes (after folding) from slowest to fastest: of the rows, of the lines of a row, of a line. */
  groups: readonly (readonly number[])[];
}

/** Size and stride of an axis. */
export type Axis = [size: number, stride: number];

/** The axes of a tensor, one of them folded: both parts of it must be larger than 1. */
export function foldedAxes(shape: readonly number[], foldAxis: number, foldInner: number): Axis[] {
  const axes: Axis[] = [];
  let stride = 1;
  for (let axis = shape.length; axis-- > 0; ) {
    const size = shape[axis];
    if (axis === foldAxis) {
      if (foldInner < 2 || foldInner >= size || size % foldInner) broken(39); // an axis cannot be folded so
      axes.unshift([size / foldInner, stride * foldInner], [foldInner, stride]);
    } else {
      axes.unshift([size, stride]);
    }
    stride *= size;
  }
  return axes;
}

/** The axes of each group. */
export function groupAxes(shape: readonly number[], t: Traversal): Axis[][] {
  const axes = foldedAxes(shape, t.foldAxis, t.foldInner);
  return t.groups.map((group) => group.map((axis) => axes[axis]));
}

/** How many elements a shape has. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((n, size) => n * size, 1);
}

/** How many elements a group of axes spans. */
export function sizeOf(group: readonly Axis[]): number {
  return countOf(group.map(([size]) => size));
}

/** Offsets of all index combinations of the given axes, the last one fastest. */
export function offsetsOf(group: readonly Axis[]): Int32Array {
  const offsets = new Int32Array(sizeOf(group));
  let known = 1;
  // From the fastest axis to the slowest: what is there is repeated, one stride further each time.
  for (const [size, stride] of [...group].reverse()) {
    for (let i = known; i < known * size; i++) offsets[i] = offsets[i - known] + stride;
    known *= size;
  }
  return offsets;
}
