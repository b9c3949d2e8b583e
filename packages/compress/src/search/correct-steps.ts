import * as tf from '@tensorflow/tfjs-core';
import { type Method, methodOf, quantize } from '../choose/quantize.js';
import type { Bench } from '../fidelity/bench.js';
import { readOutputs } from '../fidelity/fidelity.js';
import type { Examples, Executable } from '../model/model.js';
import { coarse } from '../numbers/coarse.js';
import type { Plan } from '../plan/tensor-plan.js';
import type { Stage } from '../time-budget.js';
import { type Curve, curveOf, together, trade } from './trade.js';

/** Elements of the inputs from which on fewer examples are taken, and how many at least. */
const mostElements = 2 ** 19;
const leastExamples = 4;

/** Parts of an octave that errors are read in. */
const parts = 8;

/** The least error that a weight is believed to make, of what one makes in the middle tensor: other examples may feel it more. */
const leastError = 1 / 16;

/** The greatest, of what is expected: where the outputs are no numbers any more it is this one. */
const mostError = 2 ** 16;

/** Octaves that steps moved by from which on their error is measured again. */
const far = 0.5;

/**
 * Rounds one tensor at a time and measures what that adds to the outputs' error: what was expected of it follows from an average
 * over all directions, where compensated errors keep to few, and equal errors are best only where every step has the same slope of bits. Then
 * steps become finer where error costs few bits, and wider where it spares many (see `trade`).
 * Vectors that are not rounded along with a kernel are weighed together.
 */
export async function correctSteps(
  model: Executable,
  plans: readonly Plan[],
  fineness: number,
  methods: ReadonlyMap<string, Method>,
  bench: Bench,
  batch: Examples,
  stage: Stage,
): Promise<void> {
  const examples = some(model, batch);
  const original = readOutputs(await model.run(examples));
  const byName = new Map(plans.map((plan) => [plan.weight.name, plan]));
  const felt = plans.filter(({ unreached }) => !unreached);
  const vectors = felt.filter(({ weight, linear }) => !linear && weight.shape.length < 2);
  const others = felt.filter((plan) => !vectors.includes(plan));
  // Those with most weights first: what there is no time for is weighed together.
  if (Number.isFinite(stage.left)) others.sort((a, b) => b.values.length - a.values.length);
  const errorOf = async (group: readonly Plan[]): Promise<number> => {
    const biases = group.flatMap(({ linear }) => byName.get(linear?.bias ?? '') ?? []);
    const rounded = quantize([...new Set([...group, ...biases])], fineness, methods);
    const error = await bench.error(model, rounded, examples, original);
    const most = (mostError * count(group) * fineness ** 2) / 12;
    return coarse(Number.isNaN(error) ? most : Math.min(error, most), parts);
  };
  const groups: Plan[][] = [];
  const errors: number[] = [];
  const left: Plan[] = [];
  for (const plan of others) {
    if (left.length > 0 || !stage.fits()) {
      left.push(plan);
      continue;
    }
    groups.push([plan]);
    errors.push(await errorOf([plan]));
  }
  for (const group of [left, vectors]) {
    if (group.length === 0) continue;
    groups.push(group);
    errors.push(await errorOf(group));
  }
  for (let round = 0; round < 2; round++) {
    const moved = trade(
      groups.map((group) => together(group.map((plan) => curveAt(plan, fineness, methods)))),
      believed(groups, errors),
    );
    for (const [g, group] of groups.entries()) {
      for (const { wish, level } of group) {
        wish.refine(-moved[g]);
        level?.refine(-moved[g]);
      }
    }
    if (round > 0) break;
    for (const [g, group] of groups.entries()) {
      if (Math.abs(moved[g]) >= far && stage.fits()) errors[g] = await errorOf(group);
      else errors[g] *= 4 ** moved[g];
    }
  }
  if (examples !== batch) tf.dispose([...examples]);
}

const count = (group: readonly Plan[]): number => group.reduce((sum, { values }) => sum + values.length, 0);

/** The errors, but none much below what so many weights make in the middle one of the groups. */
function believed(groups: readonly (readonly Plan[])[], errors: readonly number[]): number[] {
  const each = errors.map((error, g) => error / count(groups[g])).sort((a, b) => a - b);
  const least = leastError * (each[(each.length - 1) >> 1] ?? 0);
  return errors.map((error, g) => Math.max(error, least * count(groups[g])));
}

function curveAt(plan: Plan, fineness: number, methods: ReadonlyMap<string, Method>): Curve {
  const wish = methodOf(plan, methods) === 'plain' ? (plan.level ?? plan.wish) : plan.wish;
  return curveOf(plan.values, wish.steps(wish.grid(fineness)));
}

/** The first examples of a batch of large ones, where the model takes any number. */
function some({ inputs }: Executable, batch: Examples): Examples {
  if (!inputs.every(({ shape }) => shape[0] < 0) || batch.length === 0) return batch;
  const count = batch[0].shape[0];
  const each = batch.reduce((sum, { size }) => sum + size, 0) / count;
  const kept = Math.max(leastExamples, Math.floor(mostElements / each));
  return kept >= count ? batch : batch.map((tensor) => tf.slice(tensor, 0, kept));
}
