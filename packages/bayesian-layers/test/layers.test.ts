import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type BayesianLayer,
  type BayesianOptions,
  bayesianConv1d,
  bayesianConv2d,
  bayesianConv3d,
  bayesianDense,
  bayesianDepthwiseConv2d,
  fromLayersModel,
  klDivergence,
  layerPosterior,
  type PriorName,
  posteriorOf,
  toLayersModel,
} from '../src/index.js';
import { relative, write } from './models.js';

beforeAll(() => tf.setBackend('cpu'));

const kinds: Record<string, (options: BayesianOptions) => BayesianLayer> = {
  dense: (o) => bayesianDense({ units: 3, inputShape: [5], ...o }),
  'dense over time': (o) => bayesianDense({ units: 3, inputShape: [4, 5], ...o }),
  conv1d: (o) => bayesianConv1d({ filters: 3, kernelSize: 3, padding: 'causal', inputShape: [6, 2], ...o }),
  conv2d: (o) => bayesianConv2d({ filters: 3, kernelSize: 2, strides: 2, inputShape: [4, 4, 2], ...o }),
  conv3d: (o) => bayesianConv3d({ filters: 2, kernelSize: 2, inputShape: [3, 3, 3, 2], ...o }),
  depthwise: (o) =>
    bayesianDepthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, inputShape: [3, 3, 2], ...o }),
};
const priors: PriorName[] = ['normalJeffreys', 'horseshoe'];
const random = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);

describe.each(Object.entries(kinds))('%s', (_, make) => {
  for (const prior of priors) {
    for (const structure of ['inputs', 'outputs'] as const) {
      it(`${prior} on ${structure}: means of draws, moments, saving`, async () => {
        const layer = make({ prior, structure, seed: 3, start: { variance: -3, scale: -2 } });
        const model = tfl.sequential({ layers: [layer] });
        if (layer.biasWeight) write(layer.biasWeight, random(layer.biasWeight.val.shape, 9));
        const x = random([1, ...model.inputs[0].shape.slice(1)] as number[], 4);
        const many = tf.tile(x, [1000, ...x.shape.slice(1).map(() => 1)]);
        const drawn = model.apply(many, { training: true }) as tf.Tensor;
        const { mean, variance } = tf.moments(drawn, 0);
        const expected = model.predict(x) as tf.Tensor;
        const error = tf.sqrt(tf.div(variance, 1000)).dataSync();
        const [a, b] = [mean.dataSync(), expected.dataSync()];
        for (let i = 0; i < a.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThan(5 * error[i] + 1e-5);

        let saved: tf.io.ModelArtifacts | undefined;
        await model.save(
          tf.io.withSaveHandler(async (artifacts) => {
            saved = artifacts;
            return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
          }),
        );
        const loaded = await tfl.loadLayersModel(tf.io.fromMemory(saved!));
        expect(loaded.layers.at(-1)!.getClassName()).toMatch(/^Bayesian/);
        expect(klDivergence(loaded).dataSync()[0]).toBeCloseTo(klDivergence(model).dataSync()[0], 3);
        const config = loaded.layers.at(-1)!.getConfig();
        expect([config.prior, config.structure, config.seed]).toEqual([prior, structure, 3]);
      });
    }
  }

  it('its variance is that of samples of weights', () => {
    const layer = make({ seed: 3, start: { variance: -2, scale: -1 } });
    tfl.sequential({ layers: [layer] });
    const { mean, variance, groups } = layerPosterior(layer);
    const normal = random([mean.length, 8000], 5);
    const scales = random([layer.groups.count, 8000], 6);
    const z = tf.add(tf.mul(scales, Math.exp(-0.5)), 1);
    const w = tf.add(tf.mul(normal, Math.exp(-1)), tf.expandDims(tf.tensor1d(mean), 1));
    const product = tf.mul(w, tf.gather(z, tf.tensor1d(groups, 'int32')));
    expect(relative(tf.moments(product, 1).variance.dataSync(), variance)).toBeLessThan(0.1);
  });
});

describe('twins', () => {
  const functional = (): tfl.LayersModel => {
    const input = tfl.input({ shape: [8, 8, 2] });
    const a = tfl.layers.conv2d({ name: 'a', filters: 3, kernelSize: 3, activation: 'relu' }).apply(input);
    const b = tfl.layers.batchNormalization({ name: 'bn' }).apply(a);
    const c = tfl.layers.flatten().apply(b);
    const d = tfl.layers.dense({ name: 'd', units: 2, activation: 'softmax' }).apply(c);
    return tfl.model({ inputs: input, outputs: d as tfl.SymbolicTensor });
  };

  it.each(priors)('%s: there and back is the same function', async (prior) => {
    const model = functional();
    const twin = await fromLayersModel(model, { prior, seed: 1 });
    expect(twin.layers.map((l) => l.getClassName()).filter((n) => n.startsWith('Bayesian'))).toEqual([
      'BayesianConv2D',
      'BayesianDense',
    ]);
    const { model: back, variances } = await toLayersModel(twin);
    const x = random([3, 8, 8, 2], 7);
    const [a, b, c] = [model, twin, back].map((m) => (m.predict(x) as tf.Tensor).dataSync());
    expect(relative(b, a)).toBeLessThan(1e-5);
    expect(relative(c, a)).toBeLessThan(1e-5);
    expect(back.layers.map((l) => l.getClassName())).toEqual(model.layers.map((l) => l.getClassName()));
    expect([...variances.keys()]).toEqual(['a/kernel', 'd/kernel']);
  });

  it('groups beyond a threshold become 0', async () => {
    const twin = await fromLayersModel(functional(), { seed: 1 });
    const conv = twin.getLayer('a') as BayesianLayer;
    const { scale_mean, scale_log_variance } = conv.scale;
    const logs = tf.tidy(() => tf.add(tf.log(tf.square(scale_mean.val)), tf.tensor1d([-5, 6, -5])));
    write(scale_log_variance, logs);
    const [{ rates, suggested }] = posteriorOf(twin);
    expect(Array.from(rates, Math.round)).toEqual([-5, 6, -5]);
    expect(suggested.clarity).toBeGreaterThan(0.9);
    const { model } = await toLayersModel(twin, { threshold: { a: 'gap' } });
    const [kernel, bias] = model.getLayer('a').getWeights();
    expect(tf.sum(tf.abs(kernel), [0, 1, 2]).dataSync()[1]).toBe(0);
    expect(bias.dataSync()[1]).toBe(0);
    expect(Math.min(...tf.sum(tf.abs(model.getLayer('d').getWeights()[0]), 1).dataSync())).toBeGreaterThan(0);
  });

  it('refuses what it cannot do', async () => {
    const plain = tfl.sequential({ layers: [tfl.layers.flatten({ inputShape: [2, 2] })] });
    await expect(fromLayersModel(plain)).rejects.toThrow(/no layer of/);
    await expect(fromLayersModel(functional(), { layers: ['d', 'e'] })).rejects.toThrow(/'e' is no layer/);
    await expect(fromLayersModel(functional(), { piror: 'horseshoe' } as never)).rejects.toThrow(/prior/);
    expect(() => bayesianDense({ units: 1, prior: 'horsehoe' as never })).toThrow(/horseshoe/);
    expect(() => bayesianConv2d({ filters: 1, kernelSize: 1, dataFormat: 'channelsFirst' })).toThrow(
      expect.objectContaining({ code: 'unsupported-layer', name: 'EspalierError' }),
    );
    expect(() => klDivergence(plain)).toThrow(/fromLayersModel/);
  });

  it('a loop of one’s own leaves no tensors', async () => {
    const twin = await fromLayersModel(functional(), { prior: 'horseshoe', seed: 1 });
    const x = random([2, 8, 8, 2], 7);
    const optimizer = tf.train.sgd(1e-4);
    const step = (): void => {
      optimizer.minimize(() =>
        tf.tidy(() => {
          const y = twin.apply(x, { training: true }) as tf.Tensor;
          return tf.add(tf.sum(tf.square(y)), tf.div(klDivergence(twin), 100)) as tf.Scalar;
        }),
      );
    };
    step();
    const before = tf.memory().numTensors;
    step();
    posteriorOf(twin);
    expect(tf.memory().numTensors).toBe(before);
  });
});
