import '@tensorflow/tfjs-backend-cpu';
import { type Batch, type Data, randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect } from 'vitest';

/** A dense layer with names and seeds, for models whose every number is known beforehand. */
export function dense(
  name: string,
  units: number,
  seed: number,
  rest: Partial<Parameters<typeof tfl.layers.dense>[0]> = {},
): tfl.layers.Layer {
  return tfl.layers.dense({
    name,
    units,
    kernelInitializer: tfl.initializers.glorotUniform({ seed }),
    ...rest,
  });
}

/** A two-layer perceptron 6 → 5 → 3 with softmax. */
export function perceptron(seed = 1): tfl.Sequential {
  return tfl.sequential({
    layers: [
      dense('hidden', 5, seed, { inputShape: [6], activation: 'tanh' }),
      dense('out', 3, seed + 1, { activation: 'softmax' }),
    ],
  });
}

/** Data that are there at once, of a single input and output. */
export interface ToyData extends Data {
  batches(epoch: number): Generator<{ inputs: tf.Tensor; labels: tf.Tensor }>;
}

/** Examples whose class is the largest of three random projections: learnable, and the same every time. */
export function toyData(options: {
  size?: number;
  batchSize?: number;
  shape?: readonly number[];
  seed?: number;
}): ToyData {
  const { size = 24, batchSize = 8, shape = [6], seed = 1 } = options;
  const width = shape.reduce((a, b) => a * b, 1);
  const draw = randomUniform(seed);
  const projection = Array.from({ length: width }, () => [draw(), draw(), draw()].map((v) => v - 0.5));
  const rows = Array.from({ length: size }, () => {
    const x = Array.from({ length: width }, () => 2 * draw() - 1);
    const scores = [0, 1, 2].map((c) => x.reduce((sum, v, i) => sum + v * projection[i][c], 0));
    return { x, y: scores.indexOf(Math.max(...scores)) };
  });
  const steps = size / batchSize;
  return {
    size,
    stepsPerEpoch: steps,
    *batches(epoch) {
      for (let s = 0; s < steps; s++) {
        const of = Array.from(
          { length: batchSize },
          (_, i) => rows[((s + epoch) * batchSize + i * 5) % size],
        );
        yield {
          inputs: tf.tensor(
            of.flatMap((row) => row.x),
            [batchSize, ...shape],
          ),
          labels: tf.tidy(() =>
            tf.cast(
              tf.oneHot(
                of.map((row) => row.y),
                3,
              ),
              'float32',
            ),
          ),
        };
      }
    },
  };
}

/** The same input-label pairs in every batch of every epoch. */
export function fixedData(inputs: number[][], labels: number[][], stepsPerEpoch = 1): Data {
  return {
    size: inputs.length * stepsPerEpoch,
    stepsPerEpoch,
    *batches(): Generator<Batch> {
      for (let s = 0; s < stepsPerEpoch; s++)
        yield { inputs: tf.tensor2d(inputs), labels: tf.tensor2d(labels) };
    },
  };
}

export const values = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

/** All weights of a model, as one list of numbers. */
export function weightsOf(model: tfl.LayersModel): number[] {
  return model.weights.flatMap((w) => values(w.read()));
}

export function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(expected[i]));
    if (!(Math.abs(actual[i] - expected[i]) <= allowed)) {
      expect.fail(`at ${i}: ${actual[i]} is not ${expected[i]} to ${allowed}`);
    }
  }
}

/** Central differences of a scalar function of a list of numbers. */
export function differences(f: (x: number[]) => number, x: readonly number[], h = 1e-2): number[] {
  return x.map((_, i) => {
    const at = (delta: number): number => f(x.map((v, j) => (i === j ? v + delta : v)));
    return (at(h) - at(-h)) / (2 * h);
  });
}

/** The code of the EspalierError that `work` throws; fails when it throws none. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'nothing was thrown';
}

/** A variable, without the tensor it was made from, which TF.js leaves behind. */
export function variable(of: readonly number[], shape: readonly number[] = [of.length]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor([...of], [...shape])));
}
