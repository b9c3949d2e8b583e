import type { Grid } from '@espalier/codec';
import { toPredicted } from '../plan/predictor.js';
import type { Plan } from '../plan/tensor-plan.js';
import { roundLinear } from '../round/compensate.js';
import { roundPlain, type Snap, toCodebook, toSteps } from '../round/snap.js';
import { perProduct, spend } from '../time-budget.js';

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
  /** What rounding adds to the outputs' mean square by the weights' importance, those that make up for each other apart. */
  readonly error: number;
}

/** The method of a tensor that nothing was decided about. */
export function methodOf({ weight, linear }: Plan, methods: ReadonlyMap<string, Method>): Method {
  return methods.get(weight.name) ?? (linear ? 'compensated' : 'plain');
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
    const { weight, linear } = plan;
    const method = methodOf(plan, methods);
    if (!linear || method === 'plain') continue;
    const { as, bias } = place(plan, plan.values, fineness, method);
    rounded.set(weight.name, as);
    if (bias && linear.bias !== undefined) owed.set(linear.bias, bias);
  }
  for (const plan of plans) {
    const { weight, values } = plan;
    if (rounded.has(weight.name)) continue;
    const extra = owed.get(weight.name);
    const wanted = extra ? values.map((value, i) => value + extra[i]) : values;
    rounded.set(weight.name, place(plan, wanted, fineness, methodOf(plan, methods)).as);
  }
  return rounded;
}

/** Seconds for a weight of a linear operation, but for the products. */
const perWeight = 1e-7;

/** A tensor's weights on their places, and what its bias should gain. */
interface Placed {
  readonly as: Rounded;
  readonly bias?: Float64Array | undefined;
}

/**
 * On steps; or by the smallest codebook whose error is no larger than that on steps, both measured: weights that make up for
 * others leave the places that a codebook was made for, and steps larger than most weights err by less than they might.
 */
function place(plan: Plan, values: Float32Array, wished: number, wanted: Method): Placed {
  const method = wanted === 'plain' || !plan.linear ? 'plain' : 'compensated';
  const older = plan.older?.at(wished);
  if (older) {
    const { as, bias } = snapped(plan, values, older.snap, method);
    return { as: older.grid ? { ...as, grid: older.grid } : { ...as, method: 'codebook' }, bias };
  }
  const fineness = Math.min(wished, plan.coarsest ?? Number.POSITIVE_INFINITY);
  const wish = method === 'plain' ? (plan.level ?? plan.wish) : plan.wish;
  const grid = wish.grid(fineness);
  const steps = wish.steps(grid);
  if (wanted === 'predicted' && plan.predictor) {
    const prediction = plan.predictor.fit(steps);
    const { as, bias } = snapped(plan, values, toPredicted(steps, prediction), method);
    return { as: { ...as, method: wanted, grid: { ...grid, prediction } }, bias };
  }
  const { as, bias } = snapped(plan, values, toSteps(steps), method);
  if (wanted === 'codebook') {
    for (const book of plan.codebooks.from(as.error)) {
      const shared = snapped(plan, values, toCodebook(book), method);
      if (shared.as.error <= as.error) return { as: { ...shared.as, method: 'codebook' }, bias: shared.bias };
    }
  }
  return { as: { ...as, grid }, bias };
}

/** What rounded weights of a linear operation add to the outputs' error, each row as those before it have left its sum. */
export function errorOfSums({ linear, codebooks, values }: Plan, rounded: Float32Array): number {
  if (!linear) return codebooks.errorOf(values, rounded);
  spend(values.length * (perWeight + perProduct * linear.layout.rows.length));
  const { wanted } = roundLinear(values, (_, at) => rounded[at], linear.layout, linear.factors);
  return codebooks.errorOf(wanted, rounded);
}

function snapped(
  { linear, codebooks }: Plan,
  values: Float32Array,
  snap: Snap,
  method: 'plain' | 'compensated',
): Placed {
  if (!linear || method === 'plain') {
    const rounded = roundPlain(values, snap);
    return { as: { values: rounded, method, error: codebooks.errorOf(values, rounded) } };
  }
  spend(values.length * (perWeight + perProduct * linear.layout.rows.length));
  const { rounded, wanted, bias } = roundLinear(values, snap, linear.layout, linear.factors);
  return { as: { values: rounded, method, error: codebooks.errorOf(wanted, rounded) }, bias };
}
