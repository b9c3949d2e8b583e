import { bitsOf, MAX_EXPONENT, MAX_EXPONENTS } from './codebook.js';
import type { Quantized } from './codebook-find.js';
import { fail } from './errors.js';
import { widen } from './grid.js';

/**
 * A grid whose step differs along axes: the element at an index is
 * `float32(level * step * 2^((sum over axes of exponents[axis][index]) / 4))`.
 */
export interface Grid {
  /** A positive float32. */
  step: number;
  /** One entry per axis: a whole number from 0 to 127 per index, or `undefined` where the step does not depend on it. */
  exponents: readonly (ArrayLike<number> | undefined)[];
}

/** The levels of a tensor that lies on a grid. @throws EspError 'input' when it does not */
export function levelsOnGrid(
  name: string,
  shape: readonly number[],
  data: Uint8Array,
  grid: Grid,
): Quantized {
  const { step } = grid;
  const bad = (what: string): never => fail('input', `the grid of "${name}" ${what}`);
  if (!(step > 0 && Math.fround(step) === step)) bad('has a step that is no positive float32');
  if (grid.exponents.length !== shape.length) bad(`has exponents for ${grid.exponents.length} axes`);
  let most = 0;
  const exponents = grid.exponents.map((axis, i) => {
    if (axis === undefined) return undefined;
    if (axis.length > MAX_EXPONENTS) bad(`has exponents on axis ${i}, which is longer than ${MAX_EXPONENTS}`);
    if (axis.length !== shape[i])
      bad(`has ${axis.length} exponents on axis ${i}, which has ${shape[i]} elements`);
    const bytes = Uint8Array.from(axis);
    for (let j = 0; j < bytes.length; j++)
      if (bytes[j] !== axis[j] || bytes[j] > 127) bad(`has exponent ${axis[j]}`);
    const top = bytes.reduce((a, b) => Math.max(a, b), 0);
    most += top;
    return top === 0 ? undefined : bytes;
  });
  if (most > MAX_EXPONENT) bad(`has exponents up to ${most}; ${MAX_EXPONENT} are the most`);
  const values = new Float32Array(data.buffer, data.byteOffset, data.length / 4);
  const levels = new Int32Array(values.length);
  const own = exponents[exponents.length - 1];
  let [negative, positive, nonzero] = [0, 0, 0];
  forEachLine(values.length, exponents, shape, (start, end, exponent) => {
    for (let i = start; i < end; i++) {
      const width = widen(step, exponent + (own ? own[i - start] : 0));
      // Not -0: a level has no sign of its own.
      const level = Math.round(values[i] / width) + 0;
      if (bitsOf(Math.fround(level * width)) !== bitsOf(values[i])) {
        bad(`does not hold element ${i}, which is ${values[i]}`);
      }
      levels[i] = level;
      negative = Math.max(negative, -level);
      positive = Math.max(positive, level);
      if (level !== 0) nonzero++;
    }
  });
  return {
    book: {
      kind: 'step',
      negative,
      positive,
      base: step,
      values: new Uint32Array(0),
      ...(exponents.some((axis) => axis !== undefined) && { exponents }),
    },
    levels,
    nonzero,
  };
}

/** Calls `line` for each run along the last axis: where it starts, how long it is, the other axes' exponents summed. */
function forEachLine(
  elements: number,
  exponents: readonly (Uint8Array | undefined)[],
  sizes: readonly number[],
  line: (start: number, end: number, exponent: number) => void,
): void {
  const last = sizes[sizes.length - 1] ?? 1;
  for (let start = 0; start < elements; start += last) {
    let exponent = 0;
    for (let axis = sizes.length - 2, rest = start / last; axis >= 0; axis--) {
      exponent += exponents[axis]?.[rest % sizes[axis]] ?? 0;
      rest = Math.floor(rest / sizes[axis]);
    }
    line(start, start + last, exponent);
  }
}
