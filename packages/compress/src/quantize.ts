import type { Grid } from '@espalier/codec';
import type { Plan } from './plan.js';
import { toPredicted } from './predictor.js';
import { roundLinear, roundPlain, type Snap, toCodebook, toSteps } from './round.js';

/**
 * How a tensor is quantised: rows that make up for each other's errors, on steps; each weight to the nearest step; to the
 * entries of a codebook; by steps off what earlier weights let expect, with rows that make up for each other where there
 * are rows; not at all.
 */
export type Method = 'compensated' | 'plain' | 'codebook' | 'predicted' | 'kept';

/** A tensor quantised. */
export interface Rounded {
  readonly values: Float32Array;
  /** What the values lie on; a codebook is found from the values themselves. */
  readonly grid?: Grid;
  readonly method: Method;
}

/** The method of a tensor that nothing was decided about. */
export function methodOf({ weight, linear }: Plan, methods: ReadonlyMap<string, Method>): Method {
  return methods.get(weight.name) ?? (linear ? 'compensated' : 'plain');
}

/** The error that a tensor may add to the outputs' mean square. */
export function errorAt({ values, wish }: Plan, fineness: number): number {
  return (values.length * (fineness * 2 ** wish.shift) ** 2) / 12;
}

/**
 * Quantises all tensors: `fineness` times 2^wish is a tensor's step, so that every weight adds fineness^2 / 12 to the mean
 * squared error of the outputs.
 */
export function quantize(
  plans: readonly Plan[],
  fineness: number,
  methods: ReadonlyMap<string, Method>,
): Map<string, Rounded> {
  const rounded = new Map<string, Rounded>();
  const owed = new Map<string, Float64Array>();
  for (const plan of plans) {
    const { weight, values, linear } = plan;
    const place = placeOf(plan, fineness, methodOf(plan, methods));
    if (!linear || place.method === 'plain') continue;
    const { rounded: own, bias } = roundLinear(values, place.snap, linear.layout, linear.factors);
    rounded.set(weight.name, { values: own, ...place.as });
    if (bias && linear.bias !== undefined) {
      const before = owed.get(linear.bias);
      owed.set(linear.bias, before ? before.map((b, i) => b + bias[i]) : bias);
    }
  }
  for (const plan of plans) {
    const { weight, values } = plan;
    if (rounded.has(weight.name)) continue;
    const { snap, as } = placeOf(plan, fineness, methodOf(plan, methods));
    const extra = owed.get(weight.name);
    const wanted = extra ? values.map((value, i) => value + extra[i]) : values;
    rounded.set(weight.name, { values: roundPlain(wanted, snap), ...as });
  }
  return rounded;
}

interface Place {
  readonly snap: Snap;
  readonly method: Method;
  readonly as: Omit<Rounded, 'values'>;
}

/** Where the weights may lie. */
function placeOf(plan: Plan, fineness: number, wanted: Method): Place {
  const book = wanted === 'codebook' ? plan.codebooks.within(errorAt(plan, fineness)) : undefined;
  if (book) return { snap: toCodebook(book), method: 'codebook', as: { method: 'codebook' } };
  if (wanted === 'predicted' && plan.predictor) {
    const grid = plan.wish.grid(fineness);
    const steps = plan.wish.steps(grid);
    const prediction = plan.predictor.fit(steps);
    const as = { method: wanted, grid: { ...grid, prediction } };
    return { snap: toPredicted(steps, prediction), method: wanted, as };
  }
  const method = wanted === 'plain' || !plan.linear ? 'plain' : 'compensated';
  const wish = method === 'plain' ? (plan.level ?? plan.wish) : plan.wish;
  const grid = wish.grid(fineness);
  return { snap: toSteps(wish.steps(grid)), method, as: { method, grid } };
}
