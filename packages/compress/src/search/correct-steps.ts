import * as tf from '@tensorflow/tfjs-core';
import { type Method, quantize } from '../choose/quantize.js';
import type { Bench } from '../fidelity/bench.js';
import { readOutputs } from '../fidelity/fidelity.js';
import type { Examples, Executable } from '../model/model.js';
import type { Plan } from '../plan/tensor-plan.js';
import type { Stage } from '../time-budget.js';

/** Elements of the inputs from which on fewer examples are taken, and how many at least. */
const mostElements = 2 ** 19;
const leastExamples = 4;

/** Parts of an octave that steps are corrected by. */
const parts = 8;

/**
 * Rounds one tensor at a time and compares the outputs' error with what was expected of it: that follows from an average
 * over all directions, where compensated errors keep to few. Steps of tensors that matter more than expected shrink.
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
  const weighed = async (group: readonly Plan[]): Promise<void> => {
    const expected = group.reduce((sum, { values }) => sum + (values.length * fineness ** 2) / 12, 0);
    const biases = group.flatMap(({ linear }) => byName.get(linear?.bias ?? '') ?? []);
    for (let round = 0; round < 2; round++) {
      const rounded = quantize([...new Set([...group, ...biases])], fineness, methods);
      const octaves = Math.log2((await bench.error(model, rounded, examples, original)) / expected) / 2;
      const finer = Math.max(0, Math.min(8, Math.round(parts * octaves) / parts));
      for (const { wish, level } of group) {
        wish.refine(finer);
        level?.refine(finer);
      }
      if (!(octaves > 1)) break;
    }
  };
  const left: Plan[] = [];
  for (const plan of others) {
    if (left.length === 0 && stage.fits()) await weighed([plan]);
    else left.push(plan);
  }
  for (const group of [left, vectors]) if (group.length > 0) await weighed(group);
  if (examples !== batch) tf.dispose([...examples]);
}

/** The first examples of a batch of large ones, where the model takes any number. */
function some({ inputs }: Executable, batch: Examples): Examples {
  if (!inputs.every(({ shape }) => shape[0] < 0) || batch.length === 0) return batch;
  const count = batch[0].shape[0];
  const each = batch.reduce((sum, { size }) => sum + size, 0) / count;
  const kept = Math.max(leastExamples, Math.floor(mostElements / each));
  return kept >= count ? batch : batch.map((tensor) => tf.slice(tensor, 0, kept));
}
