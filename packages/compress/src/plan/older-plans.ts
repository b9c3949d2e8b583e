import { decode, type Grid } from '@espalier/codec';
import { gridsOf } from '@espalier/codec/update';
import { readWeights, type Weight } from '../model/weights.js';
import { Older } from './older.js';
import { stepsOn } from './steps.js';
import type { Plan } from './tensor-plan.js';

/** Most values of a tensor that is no grid's and yet quantised. */
const mostValues = 256;

/** What an older file holds, by name. */
export interface OlderFile {
  readonly weights: ReadonlyMap<string, Weight>;
  readonly grids: Readonly<Record<string, Grid>>;
}

/** @throws EspError as `decode` */
export function readOlder(file: Uint8Array): OlderFile {
  const weights = readWeights(decode(file));
  return { weights: new Map(weights.map((weight) => [weight.name, weight])), grids: gridsOf(file) };
}

/** Plans of tensors of which an older file has a version, and how fine that is. */
export interface OlderPlans {
  readonly plans: readonly Plan[];
  /** At which fineness steps are about those of the older file; undefined where it has none of the tensors. */
  readonly fineness: number | undefined;
}

/** Finds the tensors that have the name and shape of one in an older file, where they lie on steps or few values. */
export function olderPlans(plans: readonly Plan[], { weights: older, grids }: OlderFile): OlderPlans {
  const found = plans.flatMap((plan) => {
    const { name, shape } = plan.weight;
    const own = older.get(name);
    const values = own?.values;
    if (!own || !(values instanceof Float32Array) || own.shape.join() !== shape.join()) return [];
    const grid = Object.hasOwn(grids, name) ? grids[name] : undefined;
    // What follows from earlier elements does not stay where it was when these move.
    const steps = grid && !grid.prediction ? stepsOn(shape, grid) : undefined;
    const count = steps ? 0 : new Set(values).size;
    return steps || (!grid && count > 1 && count <= mostValues) ? [{ plan, values, grid, steps }] : [];
  });
  let [octaves, weights] = [0, 0];
  for (const { plan, steps } of found) {
    if (!steps) continue;
    const usual = plan.wish.steps(plan.wish.grid(1));
    for (let i = 0; i < steps.length; i++) octaves += Math.log2(steps[i] / usual[i]);
    weights += steps.length;
  }
  if (weights === 0) return { plans, fineness: undefined };
  const fineness = 2 ** (octaves / weights);
  const byPlan = new Map(
    found.map(({ plan, values, grid, steps }) => [
      plan,
      grid && steps ? Older.onSteps(values, fineness, grid, steps) : Older.onValues(values, fineness),
    ]),
  );
  return {
    fineness,
    plans: plans.map((plan) => {
      const own = byPlan.get(plan);
      return own ? { ...plan, older: own } : { ...plan, coarsest: fineness };
    }),
  };
}
