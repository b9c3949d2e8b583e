import * as tf from '@tensorflow/tfjs-core';
import { gather } from '../calibrate/gather-moments.js';
import { type Sensitivities, sensitivities } from '../calibrate/sensitivity.js';
import { firstOf } from '../examples/batches.js';
import type { Bench } from '../fidelity/bench.js';
import type { Examples, Executable } from '../model/model.js';
import type { Tensors } from '../model/tensors.js';
import type { Weight } from '../model/weights.js';
import type { Work } from '../time-budget.js';
import type { Trace } from '../trace/trace.js';
import { type Plan, planAlone, planLinear, planPlain } from './tensor-plan.js';

/** Fewer elements than this are kept as they are: they cost less than what is said about them. */
const leastElements = 8;

/** Is it more than a few elements, and more than one value? */
const isWorth = (values: Float32Array): boolean =>
  values.length >= leastElements && values.some((value) => value !== values[0]);

/** Gathers all that is known about every tensor: what the outputs feel of it, and the features that it meets. */
export async function planAll(
  model: Executable,
  tensors: Tensors,
  { linear, biases }: Pick<Trace, 'linear' | 'biases'>,
  batches: readonly Examples[],
  bench: Bench,
  work: Work,
  log: (line: string) => void,
): Promise<Plan[]> {
  const { floats, values, twins } = tensors;
  const names = floats.map(({ name }) => name);
  const sensitivity = await measured(model, batches, names, bench, work);
  log('sensitivities known');
  const moments = await gather(model, batches, linear, twins, work.stage(0.15));
  log('moments of the features known');
  for (const [twin, name] of twins) {
    const sum = sensitivity.get(name) as Float64Array;
    (sensitivity.get(twin) as Float64Array).forEach((s, i) => {
      sum[i] += s;
    });
  }
  const doubting = work.stage(0.15);
  const rounded = floats.filter(({ name }) => !twins.has(name) && isWorth(values.get(name) as Float32Array));
  const isFelt = ({ name }: Weight): boolean =>
    (sensitivity.get(name) as Float64Array).some((slope) => slope > 0);
  const felt = rounded.filter(isFelt);
  // Of vectors too little is known without outputs.
  const unreached = rounded.filter((weight) => weight.shape.length > 1 && !isFelt(weight));
  // Only a bias that is rounded itself makes up for a mean.
  const correctable = new Set(felt.map(({ name }) => name));
  const plans: Plan[] = [];
  for (const weight of felt) {
    const { name } = weight;
    const own = values.get(name) as Float32Array;
    const slopes = sensitivity.get(name) as Float64Array;
    const gram = moments.get(name)?.finish();
    const layout = linear.get(name);
    const linked = biases.get(name) ?? '';
    const bias = correctable.has(linked) ? linked : undefined;
    plans.push(
      gram && layout
        ? planLinear(weight, own, slopes, layout, gram, bias, doubting)
        : planPlain(weight, own, slopes),
    );
  }
  if (unreached.length > 0) {
    log(`${unreached.length} tensors that no output depends on, with these inputs: quantised by themselves`);
  }
  const reached = plans.reduce((n, { values: own }) => n + own.length, 0);
  return [
    ...plans,
    ...unreached.map((weight) => planAlone(weight, values.get(weight.name) as Float32Array, reached)),
  ];
}

/** Sensitivities, each probe on as many examples as there is time and memory for. */
async function measured(
  model: Executable,
  batches: readonly Examples[],
  names: readonly string[],
  { units, distributions }: Bench,
  work: Work,
): Promise<Sensitivities> {
  const stage = work.stage(0.25);
  const few = batches.map((batch) => firstOf(model.inputs, batch, work.gradientExamples));
  try {
    return await sensitivities(model, few, names, units, distributions, stage);
  } finally {
    tf.dispose(few.filter((own, i) => own !== batches[i]).flat());
  }
}
