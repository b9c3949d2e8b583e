// All of TF.js: the orthogonal initializer of recurrent layers needs its chained ops.
import '@tensorflow/tfjs';
import { layersOf, parametersOf, Run, seededModel, train, unseededLayers } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { dense, toyData, values, weightsOf } from './helpers.js';

const { layers } = tfl;

/** Every random initializer of TF.js at least once. */
function model(): tfl.LayersModel {
  return tfl.sequential({
    layers: [
      layers.embedding({ inputDim: 7, outputDim: 4, inputLength: 5 }),
      layers.bidirectional({ layer: layers.gru({ units: 3, returnSequences: true }) as never }),
      layers.timeDistributed({ layer: layers.dense({ units: 4, kernelInitializer: 'heNormal' }) }),
      layers.conv1d({ filters: 3, kernelSize: 2, kernelInitializer: 'leCunUniform' }),
      layers.flatten(),
      layers.dense({ units: 4, kernelInitializer: 'truncatedNormal', biasInitializer: 'randomUniform' }),
      layers.dense({ units: 4, kernelInitializer: 'randomNormal' }),
      layers.dense({ units: 4, kernelInitializer: 'randomNormal' }),
      layers.dense({ units: 4, kernelInitializer: tfl.initializers.constant({ value: 0.5 }) }),
      layers.dense({ units: 2, kernelInitializer: tfl.initializers.randomNormal({ seed: 5 }) }),
    ],
  });
}

describe('seededModel', () => {
  test('depends on the seed alone', async () => {
    const original = model();
    const weights = weightsOf(original);
    const [a, b, other] = [
      await seededModel(original, 1),
      await seededModel(model(), 1),
      await seededModel(original, 2),
    ];
    expect(weightsOf(a)).toEqual(weightsOf(b));
    expect(weightsOf(a)).not.toEqual(weightsOf(other));
    expect(weightsOf(original)).toEqual(weights);

    const [inA, inOther] = [parametersOf(a), parametersOf(other)];
    for (const [i, p] of inA.entries()) {
      const random = !/bias$/.test(p.name) || p.variable.dataSync()[0] !== 0;
      const given = p.name.startsWith(a.layers[8].name) || p.name.startsWith(a.layers[9].name);
      const same = values(p.variable).join() === values(inOther[i].variable).join();
      expect([p.name, same]).toEqual([p.name, !random || given]);
    }
  });

  test('equal layers get different weights', async () => {
    const seeded = await seededModel(model(), 1);
    expect(values(seeded.layers[6].weights[0].read())).not.toEqual(
      values(seeded.layers[7].weights[0].read()),
    );
  });

  test('keeps names and topology', async () => {
    const original = model();
    const seeded = await seededModel(original, 1);
    expect(parametersOf(seeded).map((p) => [p.name, p.shape])).toEqual(
      parametersOf(original).map((p) => [p.name, p.shape]),
    );
  });

  test('the distribution is still the initializer’s', async () => {
    const wide = tfl.sequential({
      layers: [layers.dense({ units: 300, inputShape: [784], kernelInitializer: 'heNormal' })],
    });
    const seeded = await seededModel(wide, 3);
    const { mean, variance } = tf.moments(seeded.layers[0].weights[0].read());
    expect(Math.abs(mean.dataSync()[0])).toBeLessThan(5e-4);
    // A normal cut off at 2 σ has 0.774 of the variance; TF.js, unlike Keras, does not make up for it.
    expect(variance.dataSync()[0] / (2 / 784)).toBeCloseTo(0.774, 2);
  });

  test('nested models are seeded as well', async () => {
    const make = (): tfl.LayersModel =>
      tfl.sequential({
        layers: [
          tfl.sequential({ name: 'a', layers: [layers.dense({ units: 3, inputShape: [2] })] }),
          layers.dense({ units: 3 }),
        ],
      });
    expect(weightsOf(await seededModel(make(), 4))).toEqual(weightsOf(await seededModel(make(), 4)));
  });
});

describe('dropout', () => {
  /** Trains from the same weights with a seed of dropout and returns the weights. */
  async function trained(seed: number): Promise<number[]> {
    const net = tfl.sequential({
      layers: [
        dense('a', 8, 1, { inputShape: [6], activation: 'tanh' }),
        layers.dropout({ rate: 0.5 }),
        dense('b', 3, 2, { activation: 'softmax' }),
      ],
    });
    await train(new Run(net, { seed }), { data: toyData({}), epochs: 2, learningRate: 0.05 });
    return weightsOf(net);
  }

  test('is the same for the same seed, and another for another', async () => {
    const [a, b, other] = [await trained(1), await trained(1), await trained(2)];
    expect(a).toEqual(b);
    expect(a).not.toEqual(other);
  });
});

test('unseededLayers names what TF.js cannot seed', () => {
  const net = tfl.sequential({
    layers: [
      layers.dense({ units: 4, inputShape: [5, 2] }),
      layers.gaussianNoise({ name: 'noise', stddev: 1 }),
      layers.gaussianDropout({ name: 'gaussian', rate: 0.1 }),
      layers.alphaDropout({ name: 'alpha', rate: 0.1 }),
      layers.dropout({ name: 'seedable', rate: 0.1 }),
      layers.lstm({ name: 'dropping', units: 2, dropout: 0.1, returnSequences: true }),
      layers.gru({ name: 'forgetting', units: 2, recurrentDropout: 0.1, returnSequences: true }),
      layers.lstm({ name: 'plain', units: 2 }),
    ],
  });
  expect(unseededLayers(net)).toEqual(['noise', 'gaussian', 'alpha', 'dropping', 'forgetting']);
  expect(layersOf(net)).toHaveLength(8);
});
