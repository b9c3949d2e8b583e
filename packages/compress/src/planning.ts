import { foldNormalizations } from './batch-norm.js';
import type { Bench } from './bench.js';
import { type Examples, type Executable, load } from './executable.js';
import { gather } from './gather.js';
import { type Plan, planLinear, planPlain } from './plan.js';
import { sensitivities } from './sensitivity.js';
import type { Tensors } from './tensors.js';
import { trace } from './trace.js';

/** Fewer elements than this are kept as they are: they cost less than what is said about them. */
const leastElements = 8;

/** Plans for all tensors that are worth it. */
export interface Planned {
  readonly plans: readonly Plan[];
  /** With batch normalisation folded; the one that was given is disposed then. */
  readonly model: Executable;
}

/**
 * Folds batch normalisation and gathers all that is known about every tensor: what the outputs feel of it, and the features
 * that it meets.
 */
export async function plan(
  given: Executable,
  tensors: Tensors,
  batches: readonly Examples[],
  bench: Bench,
  log: (line: string) => void,
): Promise<Planned> {
  const { floats, values, twins } = tensors;
  const traced = trace(given, batches[0], twins);
  const biases = foldNormalizations(traced, values);
  let model = given;
  if (traced.normalizations.length > 0) {
    model = await load(tensors.artifactsWith(new Map()));
    given.dispose();
  }
  log(`${traced.linear.size} linear operations, ${traced.normalizations.length} normalisations`);
  const names = floats.map(({ name }) => name);
  const sensitivity = sensitivities(model, batches, names, bench.peaks, bench.distributions);
  log('sensitivities known');
  const grams = gather(model, batches, traced.linear, twins);
  log('moments of the features known');
  for (const [twin, name] of twins) {
    const sum = sensitivity.get(name) as Float64Array;
    (sensitivity.get(twin) as Float64Array).forEach((s, i) => {
      sum[i] += s;
    });
  }
  const plans: Plan[] = [];
  for (const weight of floats) {
    const { name } = weight;
    if (twins.has(name)) continue;
    const own = values.get(name) as Float32Array;
    const felt = sensitivity.get(name) as Float64Array;
    // What no output depends on, as far as can be seen, is kept.
    if (own.length < leastElements || felt.every((s) => !(s > 0)) || own.every((v) => v === own[0])) continue;
    const gram = grams.get(name);
    const layout = traced.linear.get(name);
    const bias = biases.get(name);
    plans.push(
      gram && layout
        ? planLinear(weight, own, felt, layout, gram, values.has(bias ?? '') ? bias : undefined)
        : planPlain(weight, own, felt),
    );
  }
  return { plans, model };
}
