import { checkName, fail } from '../../errors.js';
import { MAX_EXPONENT, MAX_LEVELS, MAX_NUMBERS } from '../../numbers.js';
import { bitsOf, type Predictor } from '../codebook/book.js';
import type { Quantized } from '../codebook/find.js';
import { predict, widen } from './formula.js';

/**
 * A grid whose step differs along axes: the element at an index is
 * `float32(level * step * 2^((sum over axes of exponents[axis][index]) / 4))`; with a prediction, that much more or less
 * than what is expected of it.
 */
export interface Grid {
  /** A positive float32. */
  step: number;
  /** One entry per axis: a whole number from 0 to 127 per index, or `undefined` where the step does not depend on it. */
  exponents: readonly (ArrayLike<number> | undefined)[];
  /** What elements are expected to be by those before them along an axis. */
  prediction?: LinearPrediction;
}

/**
 * Linear prediction: what is expected of the element at a place is the sum of the `p` elements that lie `distance`,
 * 2 · `distance`, … before it in the tensor, each times a factor of its lane's; before the first element are zeros. A
 * lane holds every `distance`-th element: with the product of the sizes of the axes after one for a distance it runs
 * along that axis. Smooth windows, sinusoids and their like take few bits then.
 *
 * Source: Makhoul (1975), "Linear prediction: a tutorial review"; from elements as they are decoded: differential pulse code
 * modulation, Cutler (1952), US patent 2605361.
 */
export interface LinearPrediction {
  /** At least 1. There are so many lanes; the first begins with the first element. */
  distance: number;
  /**
   * Of each lane p factors: for the element just before it in its lane, for the one before that, and so on. Multiples of
   * 1/64, at least -4 and below 4; p from 1 to 7. No more than there are elements.
   */
  coefficients: ArrayLike<number>;
}

type Bad = (what: string) => never;

/** The levels of a tensor that lies on a grid. @throws EspError 'input' when it does not */
export function levelsOnGrid(
  name: string,
  shape: readonly number[],
  data: Uint8Array,
  grid: Grid,
): Quantized {
  const { step } = grid;
  const bad: Bad = (what) => fail('input', `the grid of "${name}" ${what}`);
  for (const field of Object.keys(grid))
    checkName('field of a grid', field, ['step', 'exponents', 'prediction']);
  if (!(step > 0 && Math.fround(step) === step)) bad('has a step that is no positive float32');
  const exponents = exponentsOf(grid, shape, bad);
  const values = new Float32Array(data.buffer, data.byteOffset, data.length / 4);
  const predictor = grid.prediction && predictorOf(grid.prediction, values.length, bad);
  const levels = new Int32Array(values.length);
  const own = exponents[exponents.length - 1] ?? [];
  let [negative, positive, nonzero] = [0, 0, 0];
  forEachLine(values.length, exponents, shape, (start, end, exponent) => {
    for (let i = start; i < end; i++) {
      const width = widen(step, exponent + (own[i - start] ?? 0));
      const expected = predictor ? predict(values, i, predictor) : 0;
      // Not -0: a level has no sign of its own.
      const level = Math.round((values[i] - expected) / width) + 0;
      if (
        bitsOf(Math.fround(level * width + expected)) !== bitsOf(values[i]) ||
        !Number.isFinite(values[i])
      ) {
        bad(`does not hold element ${i}, which is ${values[i]}`);
      }
      levels[i] = level;
      negative = Math.max(negative, -level);
      positive = Math.max(positive, level);
      if (level !== 0) nonzero++;
    }
  });
  if (negative + 1 + positive > MAX_LEVELS) bad(`has levels from ${-negative} to ${positive}`);
  const scaled = predictor !== undefined || exponents.some((axis) => axis.length > 0);
  return {
    book: {
      kind: 'step',
      negative,
      positive,
      base: step,
      values: new Uint32Array(0),
      ...(scaled && { scales: exponents }),
      ...(predictor && { predictor }),
    },
    levels,
    nonzero,
  };
}

/** The exponents of each axis; none where they are all 0. */
function exponentsOf(grid: Grid, shape: readonly number[], bad: Bad): Int16Array[] {
  if (!Array.isArray(grid.exponents)) bad('has no list of exponents');
  if (grid.exponents.length !== shape.length) bad(`has exponents for ${grid.exponents.length} axes`);
  let most = 0;
  const found = grid.exponents.map((axis = [], i) => {
    if (axis.length > MAX_NUMBERS) bad(`has exponents on axis ${i}, which is longer than ${MAX_NUMBERS}`);
    if (axis.length !== shape[i] && grid.exponents[i])
      bad(`has ${axis.length} exponents on axis ${i}, which has ${shape[i]} elements`);
    const own = Int16Array.from(axis);
    for (let j = 0; j < own.length; j++)
      if (own[j] !== axis[j] || own[j] < 0 || own[j] > 127) bad(`has exponent ${axis[j]}`);
    const top = own.reduce((a, b) => Math.max(a, b), 0);
    most += top;
    return top === 0 ? new Int16Array(0) : own;
  });
  if (most > MAX_EXPONENT) bad(`has exponents up to ${most}; ${MAX_EXPONENT} are the most`);
  return found;
}

function predictorOf({ distance, coefficients }: LinearPrediction, elements: number, bad: Bad): Predictor {
  const order = coefficients.length / distance;
  if (!(Number.isInteger(distance) && distance > 0 && Number.isInteger(order) && order > 0 && order < 8))
    bad(`has a prediction of ${coefficients.length} coefficients for ${distance} lanes`);
  if (coefficients.length > Math.min(elements, MAX_NUMBERS))
    bad(`has ${coefficients.length} coefficients for ${elements} elements`);
  const terms = Int16Array.from(coefficients, (coefficient) => {
    const term = coefficient * 64;
    if (!(Number.isInteger(term) && term >= -256 && term < 256)) bad(`has coefficient ${coefficient}`);
    return term;
  });
  return { lag: distance, terms };
}

/** Calls `line` for each run along the last axis: where it starts, how long it is, the other axes' exponents summed. */
function forEachLine(
  elements: number,
  exponents: readonly Int16Array[],
  sizes: readonly number[],
  line: (start: number, end: number, exponent: number) => void,
): void {
  const last = sizes[sizes.length - 1] ?? 1;
  for (let start = 0; start < elements; start += last) {
    let exponent = 0;
    for (let axis = sizes.length - 2, rest = start / last; axis >= 0; axis--) {
      exponent += exponents[axis][rest % sizes[axis]] ?? 0;
      rest = Math.floor(rest / sizes[axis]);
    }
    line(start, start + last, exponent);
  }
}
