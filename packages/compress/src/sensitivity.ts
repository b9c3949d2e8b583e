import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from './executable.js';

/**
 * How much the outputs change with each weight: the mean over examples and output values of (d output / d weight)^2, output
 * in units of its peak (probabilities as angles, see `asAngles`). So a small error e of one weight adds sensitivity * e^2 to the mean squared error.
 */
export type Sensitivities = Map<string, Float64Array>;

/** Random directions of the outputs whose gradients are squared. */
const probes = 12;

/**
 * The diagonal of the Gauss-Newton matrix, by random signs: for signs v, E[(d (v . outputs) / d weight)^2] is the sum of
 * (d output / d weight)^2 over all outputs (Hutchinson, 1990, "A stochastic estimator of the trace of the influence
 * matrix"). Where an operation on the way has no gradient, each tensor is moved a little as a whole and the effect
 * measured.
 */
export function sensitivities(
  model: Executable,
  batches: readonly Examples[],
  names: readonly string[],
  peaks: readonly number[],
  distributions: readonly boolean[] = [],
): Sensitivities {
  const values = new Map(names.map((name) => [name, model.weights.get(name) as tf.Tensor]));
  try {
    const found: Sensitivities = new Map(
      names.map((name) => [name, new Float64Array(values.get(name)?.size ?? 0)]),
    );
    for (let probe = 0; probe < probes; probe++) {
      addSquares(model, batches[probe % batches.length], values, peaks, distributions, probe, found);
    }
    return found;
  } catch (error) {
    // Not every kernel has a gradient, on every backend.
    if (!/gradient|Kernel|not yet implemented/i.test(String((error as Error).message))) throw error;
    return byMoving(model, batches, values, peaks);
  }
}

/** Adds one probe's squared gradients. */
function addSquares(
  model: Executable,
  batch: Examples,
  values: ReadonlyMap<string, tf.Tensor>,
  peaks: readonly number[],
  distributions: readonly boolean[],
  probe: number,
  found: Sensitivities,
): void {
  const names = [...values.keys()];
  tf.tidy(() => {
    const loss = (): tf.Scalar => {
      const outputs = model.run(batch);
      const parts = outputs.map((output, o) => {
        const signs = tf.sub(
          tf.mul(
            2,
            tf.floor(tf.add(0.5, tf.randomUniform(output.shape, 0, 1, 'float32', 1000 * probe + o + 1))),
          ),
          1,
        );
        const unit = peaks[o] * Math.sqrt(output.size * outputs.length);
        // Of probabilities 2 sqrt(p), see `asAngles`; 1e-6 keeps its slope finite.
        const felt = distributions[o] ? tf.mul(2, tf.sqrt(tf.add(output, 1e-6))) : tf.cast(output, 'float32');
        return tf.div(tf.sum(tf.mul(felt, signs)), unit);
      });
      return tf.addN(parts) as tf.Scalar;
    };
    const { grads } = tf.engine().gradients(
      loss,
      names.map((name) => values.get(name) as tf.Tensor),
      undefined,
      true,
    );
    names.forEach((name, i) => {
      const gradient = grads[i]?.dataSync() ?? [];
      const sums = found.get(name) as Float64Array;
      for (let j = 0; j < gradient.length; j++) sums[j] += gradient[j] ** 2 / probes;
    });
  });
}

/** One number for a whole tensor: the mean squared error for noise of a thousandth of its size, over the noise's power. */
function byMoving(
  model: Executable,
  batches: readonly Examples[],
  values: ReadonlyMap<string, tf.Tensor>,
  peaks: readonly number[],
): Sensitivities {
  const found: Sensitivities = new Map();
  const [batch] = batches;
  tf.tidy(() => {
    const original = model.run(batch);
    let seed = 1;
    for (const [name, tensor] of values) {
      const power = tf.tidy(() => tf.mean(tf.square(tensor)).dataSync()[0]);
      const deviation = 1e-3 * Math.sqrt(power || 1);
      const noise = tf.tidy(() => {
        const moved = tf.add(tensor, tf.randomNormal(tensor.shape, 0, deviation, 'float32', seed++));
        const outputs = model.run(batch, new Map([[name, moved]]));
        const errors = outputs.map((output, o) =>
          tf.div(tf.mean(tf.square(tf.sub(output, original[o]))), peaks[o] ** 2 * outputs.length),
        );
        return tf.addN(errors).dataSync()[0];
      });
      found.set(name, new Float64Array(tensor.size).fill(noise / deviation ** 2 / tensor.size));
    }
  });
  return found;
}
