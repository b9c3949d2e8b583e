import * as tf from '@tensorflow/tfjs-core';
import { initializers, type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import type { Batch, Data } from '../data.js';
import { randomUniform } from '../random.js';

/** Batches of an epoch. */
const steps = 3;
const batchSize = 8;

/** A convolution, batch normalisation and two dense layers: [4, 4, 2] to three classes, every number seeded. */
export function toyModel(): LayersModel {
  const glorot = (seed: number) => initializers.glorotUniform({ seed });
  return sequential({
    layers: [
      layers.conv2d({
        name: 'conv',
        filters: 4,
        kernelSize: 2,
        inputShape: [4, 4, 2],
        activation: 'relu',
        kernelInitializer: glorot(1),
      }),
      layers.batchNormalization({ name: 'norm' }),
      layers.flatten({ name: 'flat' }),
      layers.dense({ name: 'hidden', units: 8, activation: 'relu', kernelInitializer: glorot(2) }),
      layers.dense({ name: 'out', units: 3, activation: 'softmax', kernelInitializer: glorot(3) }),
    ],
  });
}

/** Three batches an epoch, the same ones for the same epoch; `fails` is the batch, counted from 0, that throws. */
export function toyData(fails: number = Number.POSITIVE_INFINITY): Data {
  return {
    size: steps * batchSize,
    stepsPerEpoch: steps,
    *batches(epoch: number): Generator<Batch> {
      for (let i = 0; i < steps; i++) {
        const at = epoch * steps + i;
        if (at === fails) throw new Error('no more data');
        const draw = randomUniform(at + 1);
        const inputs = Float32Array.from({ length: batchSize * 32 }, () => 2 * draw() - 1);
        const labels = Float32Array.from({ length: batchSize * 3 }, (_, j) =>
          Math.floor(j / 3) % 3 === j % 3 ? 1 : 0,
        );
        yield {
          inputs: tf.tensor(inputs, [batchSize, 4, 4, 2]),
          labels: tf.tensor(labels, [batchSize, 3]),
        };
      }
    },
  };
}
