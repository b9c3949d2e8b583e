import { rowSize } from '../../coders/levels/rows.js';
import { MAX_ROW, MAX_ROWS } from '../../numbers.js';
import { groupAxes, sizeOf, type Traversal } from './geometry.js';

/** Ways worth trying to walk a tensor of this shape, likely ones first. */
export function traversalsFor(shape: readonly number[]): Traversal[] {
  const found: Traversal[] = [];
  if (shape.length === 1) {
    found.push(plainTraversal([0], 0, 0));
    for (const inner of divisors(shape[0])) {
      found.push({ foldAxis: 0, foldInner: inner, groups: [[0], [], [1]] });
    }
  } else if (shape.length === 2) {
    for (const inner of foldsOf(shape[0])) {
      found.push({ foldAxis: 0, foldInner: inner, groups: [[2], [0], [1]] });
    }
    found.push(plainTraversal([1, 0], 1, 1), plainTraversal([0, 1], 1, 1));
  } else if (shape.length === 4) {
    found.push(
      plainTraversal([3, 2, 0, 1], 1, 3),
      plainTraversal([3, 2, 0, 1], 2, 3),
      plainTraversal([2, 3, 0, 1], 1, 3),
      plainTraversal([3, 0, 1, 2], 1, 3),
      plainTraversal([0, 1, 3, 2], 2, 3),
      plainTraversal([0, 1, 2, 3], 2, 3),
      plainTraversal([0, 1, 2, 3], 3, 3),
    );
  } else {
    const axes = shape.map((_, i) => i);
    const last = axes.length - 1;
    found.push(plainTraversal([last, ...axes.slice(0, last)], 1, last), plainTraversal(axes, last, last));
  }
  const fitting = found.filter((t) => fits(shape, t));
  if (fitting.length > 0) return fitting;
  const cut = cutTraversal(shape);
  return cut ? [cut] : [];
}

/** Whether a decoder keeps such rows, and so many. */
export function fits(shape: readonly number[], t: Traversal): boolean {
  const [rows, lines, width] = groupAxes(shape, t).map(sizeOf);
  return rows <= MAX_ROWS && rowSize({ lines, width }) <= MAX_ROW;
}

/**
 * The elements as they lie, the longest axis cut in two near its root, so that neither rows are too many nor one is too
 * long; if there is such a way.
 */
export function cutTraversal(shape: readonly number[]): Traversal | undefined {
  const axis = shape.indexOf(Math.max(...shape));
  const order = [...shape.keys(), shape.length];
  // Where nothing follows the inner part, it is a line; else its lines are what follows.
  const groups =
    axis === shape.length - 1
      ? [order.slice(0, -1), [], order.slice(-1)]
      : [order.slice(0, axis + 1), [axis + 1], order.slice(axis + 2)];
  const distance = (inner: number): number => Math.abs(Math.log2((inner * inner) / shape[axis]));
  return divisorsOf(shape[axis])
    .sort((a, b) => distance(a) - distance(b))
    .map((foldInner): Traversal => ({ foldAxis: axis, foldInner, groups }))
    .find((t) => fits(shape, t));
}

/** All divisors between 1 and `n`. */
function divisorsOf(n: number): number[] {
  const found: number[] = [];
  for (let d = 2; d * d <= n; d++) if (n % d === 0) found.push(d, n / d);
  return found;
}

/** The axes in this order, without folding: the first `rowAxes` make rows, those up to `lineAxes` lines. */
export function plainTraversal(order: number[], rowAxes: number, lineAxes: number): Traversal {
  return {
    foldAxis: -1,
    foldInner: 0,
    groups: [order.slice(0, rowAxes), order.slice(rowAxes, lineAxes), order.slice(lineAxes)],
  };
}

/** Inner sizes by which a dense layer's inputs may be an image: square ones, with or without channels. */
function foldsOf(inputs: number): number[] {
  const found: number[] = [];
  for (const channels of [1, 3]) {
    const side = Math.sqrt(inputs / channels);
    if (Number.isInteger(side) && side >= 4) found.push(side * channels);
  }
  return found;
}

/** A few divisors near the square root, to break long vectors into rows. */
function divisors(n: number): number[] {
  if (n <= 4096) return [];
  for (let d = Math.floor(Math.sqrt(n)); d > 16; d--) if (n % d === 0) return [n / d];
  return [];
}
