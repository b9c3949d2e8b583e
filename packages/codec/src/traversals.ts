import type { Traversal } from './geometry.js';
import { foldedAxes, groupSizes, MAX_ROW, MAX_ROWS } from './geometry.js';

/** Ways worth trying to walk a tensor of this shape, likely ones first. */
export function traversalsFor(shape: readonly number[]): Traversal[] {
  const plain = (order: number[], rowAxes: number, lineAxes: number): Traversal => ({
    foldAxis: -1,
    foldInner: 0,
    order,
    rowAxes,
    lineAxes,
  });
  const found: Traversal[] = [];
  if (shape.length === 1) {
    found.push(plain([0], 0, 0));
    for (const inner of divisors(shape[0])) {
      found.push({ foldAxis: 0, foldInner: inner, order: [0, 1], rowAxes: 1, lineAxes: 1 });
    }
  } else if (shape.length === 2) {
    for (const inner of foldsOf(shape[0])) {
      found.push({ foldAxis: 0, foldInner: inner, order: [2, 0, 1], rowAxes: 1, lineAxes: 2 });
    }
    found.push(plain([1, 0], 1, 1), plain([0, 1], 1, 1));
  } else if (shape.length === 4) {
    found.push(
      plain([3, 2, 0, 1], 1, 3),
      plain([3, 2, 0, 1], 2, 3),
      plain([2, 3, 0, 1], 1, 3),
      plain([3, 0, 1, 2], 1, 3),
      plain([0, 1, 3, 2], 2, 3),
      plain([0, 1, 2, 3], 2, 3),
      plain([0, 1, 2, 3], 3, 3),
    );
  } else {
    const axes = shape.map((_, i) => i);
    const last = axes.length - 1;
    found.push(plain([last, ...axes.slice(0, last)], 1, last), plain(axes, last, last));
  }
  return found.filter((t) => {
    const [rows, lines, width] = groupSizes(foldedAxes(shape, t).sizes, t);
    return rows <= MAX_ROWS && lines * width <= MAX_ROW;
  });
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
