import { broken } from './errors.js';

/** How a tensor is walked: which axis is folded in two, the axes' order, and where rows and lines end. */
export interface Traversal {
  /** Axis to fold, or -1. */
  foldAxis: number;
  /** Size of the inner (faster) part of the folded axis. */
  foldInner: number;
  /** The axes (after folding) from slowest to fastest. */
  order: number[];
  /** order[0, rowAxes) make the rows, order[rowAxes, lineAxes) the lines, the rest an element of a line. */
  rowAxes: number;
  lineAxes: number;
}

/** Rows may not be longer, nor more, than this: it bounds a decoder's memory. */
export const MAX_ROW: number = 2 ** 18;
export const MAX_ROWS: number = 2 ** 20;

/** Sizes and strides of the axes after folding. */
export function foldedAxes(shape: readonly number[], t: Traversal): { sizes: number[]; strides: number[] } {
  const sizes: number[] = [];
  const strides: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (axis === t.foldAxis) {
      if (t.foldInner < 2 || shape[axis] % t.foldInner !== 0 || shape[axis] === t.foldInner) {
        broken(39); // axis an axis cannot be folded so
      }
      sizes.unshift(shape[axis] / t.foldInner, t.foldInner);
      strides.unshift(stride * t.foldInner, stride);
    } else {
      sizes.unshift(shape[axis]);
      strides.unshift(stride);
    }
    stride *= shape[axis];
  }
  return { sizes, strides };
}

/** Sizes of the three groups of axes: rows, lines, width. */
export function groupSizes(sizes: readonly number[], t: Traversal): number[] {
  return groups(t).map((axes) => axes.reduce((n, axis) => n * sizes[axis], 1));
}

/** Where in the tensor a row, a line of a row, an element of a line starts: the three add up. */
export function groupOffsets(shape: readonly number[], t: Traversal): Int32Array[] {
  const { sizes, strides } = foldedAxes(shape, t);
  return groups(t).map((axes) =>
    axisOffsets(
      axes.map((axis) => sizes[axis]),
      axes.map((axis) => strides[axis]),
    ),
  );
}

function groups(t: Traversal): number[][] {
  return [t.order.slice(0, t.rowAxes), t.order.slice(t.rowAxes, t.lineAxes), t.order.slice(t.lineAxes)];
}

/** Offsets of all index combinations of the given axes, the last one fastest. */
function axisOffsets(sizes: readonly number[], strides: readonly number[]): Int32Array {
  let offsets = new Int32Array(1);
  for (let axis = 0; axis < sizes.length; axis++) {
    const next = new Int32Array(offsets.length * sizes[axis]);
    let n = 0;
    for (const offset of offsets)
      for (let i = 0; i < sizes[axis]; i++) next[n++] = offset + i * strides[axis];
    offsets = next;
  }
  return offsets;
}

/** The number of the permutation in lexicographic order. */
export function rankPermutation(order: readonly number[]): number {
  const rest = order.map((_, i) => i);
  let rank = 0;
  for (const axis of order) {
    const at = rest.indexOf(axis);
    rank = rank * rest.length + at;
    rest.splice(at, 1);
  }
  return rank;
}

/** The inverse of {@link rankPermutation}. */
export function unrankPermutation(rank: number, size: number): number[] {
  const digits: number[] = [];
  for (let base = 1; base <= size; base++) {
    digits.unshift(rank % base);
    rank = Math.floor(rank / base);
  }
  if (rank !== 0) broken(40); // an axis order does not exist
  const rest = digits.map((_, i) => i);
  return digits.map((at) => rest.splice(at, 1)[0]);
}
