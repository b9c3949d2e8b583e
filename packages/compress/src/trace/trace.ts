import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from '../model/model.js';
import { type Layout, sameLayout } from './layout.js';
import { type LinearCall, linearCall } from './linear-call.js';
import { WeightFinder } from './weight-finder.js';

/** A batch normalisation whose four vectors are weights that nothing else reads. */
export interface Normalization {
  readonly scale: string;
  readonly offset: string;
  readonly mean: string;
  readonly variance: string;
  readonly epsilon: number;
  /** The weight of the linear operation whose sums it takes, if it is the only one to take them. */
  readonly after: string | undefined;
}

/** What the kernels of a model do with its weights. */
export interface Trace {
  /** Weights of linear operations; those that are also used in another way are not among them. */
  readonly linear: ReadonlyMap<string, Layout>;
  /** The vector that is added to a linear operation's sums and read by nothing else, by the operation's weight. */
  readonly biases: ReadonlyMap<string, string>;
  readonly normalizations: readonly Normalization[];
}

/** Kernels that leave all elements as they are, in their order. */
const looks: readonly string[] = ['Identity', 'Reshape'];

/** Runs the model once and notes what its kernels do with its weights. */
export async function trace(
  model: Executable,
  examples: Examples,
  twins: ReadonlyMap<string, string>,
): Promise<Trace> {
  const finder = new WeightFinder(model.weights, twins);
  const calls = new Map<string, number>();
  const linear = new Map<string, Layout>();
  const spoilt = new Set<string>();
  const uses = new Map<string, number>();
  const biases = new Map<string, string>();
  /** Sums of linear operations by their data, with how often they were taken. */
  const sums = new Map<object, { weight: string; layout: Layout; taken: number }>();
  const normalizations: { call: Omit<Normalization, 'after'>; sum: object | undefined }[] = [];
  const link = (weight: string, layout: Layout, bias: tf.Tensor | undefined): void => {
    const name = finder.name(bias);
    if (name === undefined || bias?.size !== layout.groups.length * layout.columns.length) return;
    biases.set(weight, name);
  };
  const outputs = await model.run(examples, undefined, (call, results) => {
    finder.follow(call, results);
    const { kernel, inputs, attrs } = call;
    const found = linearCall(call, (tensor) => finder.name(tensor) !== undefined);
    for (const tensor of Object.values(inputs)) {
      if (!(tensor instanceof tf.Tensor)) continue;
      const sum = sums.get(tensor.dataId);
      const same = looks.includes(kernel) && results[0].shape.at(-1) === tensor.shape.at(-1);
      // Some backends give what is reshaped the same data, others a copy.
      if (sum && same) sums.set(results[0].dataId, sum);
      else if (sum) sum.taken++;
      const name = finder.name(tensor);
      const looking = ['Cast', 'Transpose', ...looks].includes(kernel);
      if (name === undefined || looking) continue;
      uses.set(name, (uses.get(name) ?? 0) + 1);
      if (tensor !== found?.weight && tensor.rank > 1) spoilt.add(name);
    }
    if (found) noteLinear(found, results[0]);
    if (kernel === 'Add') {
      for (const [sum, bias] of [
        [inputs.a, inputs.b],
        [inputs.b, inputs.a],
      ]) {
        const known = sums.get(sum.dataId);
        if (known) link(known.weight, known.layout, bias);
      }
    }
    if (kernel === 'FusedBatchNorm') {
      const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map((role) =>
        finder.name(inputs[role]),
      );
      if (scale && offset && mean && variance) {
        const epsilon = attrs.varianceEpsilon as number;
        // Over another axis than the last, a channel of the sums is none of its own.
        const last = inputs.scale.shape.at(-1) === inputs.scale.size;
        const sum = last ? inputs.x.dataId : undefined;
        normalizations.push({ call: { scale, offset, mean, variance, epsilon }, sum });
      }
    }
  });
  for (const output of outputs) {
    const name = finder.name(output);
    if (name === undefined) continue;
    uses.set(name, (uses.get(name) ?? 0) + 1);
    spoilt.add(name);
  }
  tf.dispose(outputs);

  function noteLinear({ weight, layout, bias, plain }: LinearCall, result: tf.Tensor): void {
    const name = finder.name(weight) as string;
    const known = linear.get(name);
    if (known && !sameLayout(known, layout)) spoilt.add(name);
    linear.set(name, layout);
    calls.set(name, (calls.get(name) ?? 0) + 1);
    link(name, layout, bias);
    if (plain && !bias) sums.set(result.dataId, { weight: name, layout, taken: 0 });
  }

  for (const name of spoilt) linear.delete(name);
  const added = new Set(biases.keys());
  for (const [weight, bias] of biases) if (uses.get(bias) !== calls.get(weight)) biases.delete(weight);
  /** A graph has operations that this run did not come to: they count too. */
  const readOnce = (name: string): boolean => uses.get(name) === 1 && (model.readers?.(name) ?? 1) === 1;
  const after = (sum: object | undefined): string | undefined => {
    const known = sum && sums.get(sum);
    if (known?.taken !== 1 || added.has(known.weight)) return undefined;
    return linear.has(known.weight) && calls.get(known.weight) === 1 && readOnce(known.weight)
      ? known.weight
      : undefined;
  };
  return {
    linear,
    biases,
    normalizations: normalizations
      .filter(({ call: { scale, offset, mean, variance } }) =>
        [scale, offset, mean, variance].every(readOnce),
      )
      .map(({ call, sum }) => ({ ...call, after: after(sum) })),
  };
}
