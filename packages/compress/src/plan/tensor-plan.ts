import type { Gram } from '../calibrate/moments.js';
import type { Weight } from '../model/weights.js';
import { coarse } from '../numbers/coarse.js';
import { type Factor, factorize } from '../round/factor.js';
import { perOwnProduct, type Stage, spend } from '../time-budget.js';
import type { Layout } from '../trace/layout.js';
import { Codebooks } from './codebooks.js';
import { importanceOf } from './importance.js';
import type { Older } from './older.js';
import { Predictor } from './predictor.js';
import { fallingVariance, reordered } from './row-order.js';
import { chooseDoubt, leastDoubt, usualDoubt } from './shrinkage.js';
import { Wish } from './steps.js';

/** All that is known about a tensor before the one number that says how fine. */
export interface Plan {
  readonly weight: Weight;
  /** What is rounded: the tensor's values, batch normalisation folded. */
  readonly values: Float32Array;
  readonly wish: Wish;
  /** One step for all of it, for `plain` rounding of a linear operation's weight. */
  readonly level?: Wish;
  readonly codebooks: Codebooks;
  /** Where elements may follow from those before them along an axis. */
  readonly predictor: Predictor | undefined;
  /** What an older file holds in its place: weights move from there only where they have to. */
  readonly older?: Older;
  /** The greatest fineness that its steps follow. Default: all. */
  readonly coarsest?: number;
  /** Does no output depend on it, as far as the inputs show? */
  readonly unreached?: true;
  /** Of a linear operation, with its features' moments. */
  readonly linear?: {
    readonly layout: Layout;
    readonly factors: readonly Factor[];
    readonly bias: string | undefined;
  };
}

/** Plans a linear operation's weight from its features and the sensitivity of each of its outputs. */
export function planLinear(
  weight: Weight,
  values: Float32Array,
  sensitivity: Float64Array,
  unordered: Layout,
  found: Gram,
  bias: string | undefined,
  stage?: Stage,
): Plan {
  const predictor = Predictor.find(values, weight.shape, unordered);
  // What is predicted is rounded after what it is predicted from.
  const order = predictor ? Int32Array.from(unordered.rows.keys()) : fallingVariance(unordered, found);
  const layout = { ...unordered, rows: order.map((r) => unordered.rows[r]) };
  const { groups, rows } = layout;
  const biased = bias !== undefined;
  const size = biased ? found.size : found.size - 1;
  const inOrder = (moments: Float64Array): Float64Array => reordered(moments, found.size, order, size);
  const moments = inOrder(found.moments);
  const [learned, checked] = found.split?.map(inOrder) ?? [];
  const chosen =
    learned && checked && (stage?.fits(groups.length * size ** 3) ?? true)
      ? chooseDoubt(layout, { size, biased, learned, checked })
      : usualDoubt;
  const doubt = Math.max(chosen, leastDoubt(rows.length, found.positions));
  spend((perOwnProduct * groups.length * size ** 3) / 6);
  const factors = Array.from(groups, (_, g) =>
    factorize(moments.subarray(g * size * size, (g + 1) * size * size), size, doubt, biased),
  );
  const importance = importanceOf(layout, sensitivity, moments, factors);
  const average = sensitivity.reduce((a, b) => a + b, 0) / sensitivity.length;
  return {
    weight,
    values,
    wish: new Wish(weight.shape, importance, values),
    level: new Wish(weight.shape, new Float64Array(values.length).fill(coarse(average)), values),
    codebooks: new Codebooks(values, importance),
    predictor,
    linear: { layout, factors, bias },
  };
}

/**
 * Plans a tensor that the outputs do not feel: its error in units of its mean square becomes what the outputs' is in units of
 * their peaks, to which each of the `reached` weights adds fineness^2 / 12. The search then lets it err as tensors do that outputs feel.
 */
export function planAlone(weight: Weight, values: Float32Array, reached: number): Plan {
  const meanSquare = values.reduce((sum, v) => sum + v * v, 0) / values.length;
  const importance = new Float64Array(values.length).fill(1 / (Math.max(1, reached) * meanSquare));
  return { ...planned(weight, values, importance), unreached: true };
}

/** Plans any other tensor from its elements' sensitivities, which are noisy: each counts with the tensor's mean. */
export function planPlain(weight: Weight, values: Float32Array, sensitivity: Float64Array): Plan {
  const mean = sensitivity.reduce((a, b) => a + b, 0) / sensitivity.length;
  const importance = sensitivity.map((s) => coarse((s + mean) / 2));
  return planned(weight, values, importance);
}

function planned(weight: Weight, values: Float32Array, importance: Float64Array): Plan {
  const codebooks = new Codebooks(values, importance);
  const predictor = Predictor.find(values, weight.shape);
  return { weight, values, wish: new Wish(weight.shape, importance, values), codebooks, predictor };
}
