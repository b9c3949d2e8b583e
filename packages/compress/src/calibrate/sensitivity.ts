import * as tf from '@tensorflow/tfjs-core';
import { compare, isMeasured, readOutputs } from '../fidelity/fidelity.js';
import type { Examples, Executable } from '../model/model.js';
import type { Stage } from '../time-budget.js';
import { gradients } from './gradients.js';

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
export async function sensitivities(
  model: Executable,
  batches: readonly Examples[],
  names: readonly string[],
  peaks: readonly number[],
  distributions: readonly boolean[] = [],
  stage?: Stage,
): Promise<Sensitivities> {
  const values = new Map(names.map((name) => [name, model.weights.get(name) as tf.Tensor]));
  const found: Sensitivities = new Map(
    names.map((name) => [name, new Float64Array(values.get(name)?.size ?? 0)]),
  );
  let count = 0;
  for (; count < probes && (stage?.fits() ?? true); count++) {
    const batch = batches[count % batches.length];
    if (!(await addSquares(model, batch, values, peaks, distributions, count, found))) {
      return byMoving(model, batches[0], values, peaks, stage);
    }
  }
  for (const sums of found.values()) for (let i = 0; i < sums.length; i++) sums[i] /= count;
  return found;
}

/** Adds one probe's squared gradients. Returns false where there are none: not every kernel has one, on every backend. */
async function addSquares(
  model: Executable,
  batch: Examples,
  values: ReadonlyMap<string, tf.Tensor>,
  peaks: readonly number[],
  distributions: readonly boolean[],
  probe: number,
  found: Sensitivities,
): Promise<boolean> {
  const names = [...values.keys()];
  const loss = (outputs: readonly tf.Tensor[]): tf.Scalar => {
    const measured = outputs.filter(isMeasured);
    const parts = measured.map((output, o) => {
      const signs = tf.sub(
        tf.mul(
          2,
          tf.floor(tf.add(0.5, tf.randomUniform(output.shape, 0, 1, 'float32', 1000 * probe + o + 1))),
        ),
        1,
      );
      const unit = peaks[o] * Math.sqrt(output.size * measured.length);
      // Of probabilities 2 sqrt(p), see `asAngles`; 1e-6 keeps its slope finite.
      const felt = distributions[o] ? tf.mul(2, tf.sqrt(tf.add(output, 1e-6))) : output;
      return tf.div(tf.sum(tf.mul(felt, signs)), unit);
    });
    return tf.addN(parts) as tf.Scalar;
  };
  const wrt = names.map((name) => values.get(name) as tf.Tensor);
  const slopes = await gradients(() => model.run(batch), loss, wrt);
  if (!slopes) return false;
  names.forEach((name, i) => {
    const gradient = slopes[i] ?? [];
    const sums = found.get(name) as Float64Array;
    for (let j = 0; j < gradient.length; j++) sums[j] += gradient[j] ** 2;
  });
  return true;
}

/**
 * One number for a whole tensor: the mean squared error for noise of a thousandth of its size, over the noise's power. The largest
 * tensors first; those that there is no time for are moved together, and share the error by their elements.
 */
async function byMoving(
  model: Executable,
  batch: Examples,
  values: ReadonlyMap<string, tf.Tensor>,
  peaks: readonly number[],
  stage: Stage | undefined,
): Promise<Sensitivities> {
  const found: Sensitivities = new Map();
  const original = readOutputs(await model.run(batch));
  const left = [...values].sort(([, a], [, b]) => b.size - a.size);
  let seed = 1;
  while (left.length > 0) {
    const group = left.splice(0, (stage?.left ?? 1) > 0 ? 1 : left.length);
    const deviations = group.map(([, tensor]) => {
      const power = tf.tidy(() => tf.mean(tf.square(tensor)).dataSync()[0]);
      return 1e-3 * Math.sqrt(power || 1);
    });
    const moved = new Map(
      group.map(([name, tensor], i) => {
        const { shape } = tensor;
        return [
          name,
          tf.tidy(() => tf.add(tensor, tf.randomNormal(shape, 0, deviations[i], 'float32', seed++))),
        ];
      }),
    );
    try {
      const outputs = readOutputs(await model.run(batch, moved));
      const noise = 10 ** (-compare(original, outputs, peaks).psnr / 10);
      const size = group.reduce((sum, [, tensor]) => sum + tensor.size, 0);
      group.forEach(([name, tensor], i) => {
        found.set(name, new Float64Array(tensor.size).fill(noise / deviations[i] ** 2 / size));
      });
    } finally {
      tf.dispose([...moved.values()]);
    }
  }
  return found;
}
