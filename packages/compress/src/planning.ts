import type { Bench } from './bench.js';
import type { Examples, Executable } from './executable.js';
import { gather } from './gather.js';
import { type Plan, planAlone, planLinear, planPlain } from './plan.js';
import { sensitivities } from './sensitivity.js';
import type { Tensors } from './tensors.js';
import type { Trace } from './trace.js';
import type { Weight } from './weights.js';

/** Fewer elements than this are kept as they are: they cost less than what is said about them. */
const leastElements = 8;

/** Gathers all that is known about every tensor: what the outputs feel of it, and the features that it meets. */
export async function plan(
  model: Executable,
  tensors: Tensors,
  { linear, biases }: Pick<Trace, 'linear' | 'biases'>,
  batches: readonly Examples[],
  bench: Bench,
  log: (line: string) => void,
): Promise<Plan[]> {
  const { floats, values, twins } = tensors;
  const names = floats.map(({ name }) => name);
  const sensitivity = await sensitivities(model, batches, names, bench.peaks, bench.distributions);
  log('sensitivities known');
  const moments = await gather(model, batches, linear, twins);
  log('moments of the features known');
  for (const [twin, name] of twins) {
    const sum = sensitivity.get(name) as Float64Array;
    (sensitivity.get(twin) as Float64Array).forEach((s, i) => {
      sum[i] += s;
    });
  }
  const plans: Plan[] = [];
  const unreached: Weight[] = [];
  try {
    for (const weight of floats) {
      const { name } = weight;
      if (twins.has(name)) continue;
      const own = values.get(name) as Float32Array;
      const felt = sensitivity.get(name) as Float64Array;
      if (own.length < leastElements || own.every((v) => v === own[0])) continue;
      if (!felt.some((s) => s > 0)) {
        // Of vectors too little is known without outputs.
        if (weight.shape.length > 1) unreached.push(weight);
        continue;
      }
      const gram = moments.get(name)?.finish();
      const layout = linear.get(name);
      const bias = biases.get(name);
      plans.push(
        gram && layout
          ? planLinear(weight, own, felt, layout, gram, values.has(bias ?? '') ? bias : undefined)
          : planPlain(weight, own, felt),
      );
    }
  } finally {
    for (const sum of moments.values()) sum.dispose();
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
