import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { encode, espalier, inspect, type ModelArtifacts, reorderUnits } from '../src/index.js';
import { levelCases } from './fixtures.js';

const dense = layers.layers.dense;

async function artifactsOf(model: layers.LayersModel): Promise<ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  return saved as ModelArtifacts;
}

/** Sets every weight to noise of which most is zero. */
function scatter(model: layers.LayersModel): void {
  let seed = 1;
  const next = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  model.setWeights(
    model.getWeights().map((w) => {
      const positive = /variance/.test((w as unknown as tf.Variable).name);
      const values = Float32Array.from({ length: w.size }, () =>
        next() < 0.6 && !positive ? 0 : next() + 0.1,
      );
      return tf.tensor(values, w.shape);
    }),
  );
}

describe('reorderUnits', () => {
  it('keeps the function of a convolutional net with batch normalisation', async () => {
    const model = layers.sequential({
      layers: [
        layers.layers.conv2d({ filters: 6, kernelSize: 3, inputShape: [9, 9, 2], activation: 'relu' }),
        layers.layers.batchNormalization(),
        layers.layers.maxPooling2d({ poolSize: 2, strides: 1 }),
        layers.layers.conv2d({ filters: 5, kernelSize: 2, activation: 'tanh' }),
        layers.layers.flatten(),
        layers.layers.dropout({ rate: 0.5 }),
        dense({ units: 7, activation: 'relu' }),
        dense({ units: 3, activation: 'softmax' }),
      ],
    });
    scatter(model);
    const { artifacts, reordered, skipped } = reorderUnits(await artifactsOf(model));
    expect(reordered).toHaveLength(3);
    expect(skipped).toEqual([]);
    const other = await layers.loadLayersModel(espalier(encode(artifacts)));
    const x = tf.randomUniform([4, 9, 9, 2], -1, 1, 'float32', 3);
    const gap = tf.max(tf.abs(tf.sub(model.predict(x) as tf.Tensor, other.predict(x) as tf.Tensor)));
    expect((await gap.data())[0]).toBeLessThan(1e-5);
    const before = await model.getWeights()[0].data();
    const after = await other.getWeights()[0].data();
    expect(Array.from(after)).not.toEqual(Array.from(before));
    expect(Array.from(after).sort()).toEqual(Array.from(before).sort());
  });

  it('leaves what it cannot prove, and says why', async () => {
    const model = layers.sequential({
      layers: [
        dense({ units: 4, inputShape: [5], name: 'first' }),
        layers.layers.prelu({ name: 'sloped' }),
        dense({ units: 4, name: 'second' }),
        layers.layers.reshape({ targetShape: [2, 2] }),
        layers.layers.flatten(),
        dense({ units: 2, name: 'last' }),
      ],
    });
    const original = await artifactsOf(model);
    const { artifacts, reordered, skipped } = reorderUnits(original);
    expect(reordered).toEqual([]);
    expect(skipped.map(({ layer }) => layer)).toEqual(['first', 'second']);
    expect(skipped[0].reason).toMatch(/PReLU/);
    expect(
      Buffer.from(artifacts.weightData as ArrayBuffer).equals(
        Buffer.from(original.weightData as ArrayBuffer),
      ),
    ).toBe(true);
  });

  it('refuses graph models and weights that do not fit', () => {
    expect(() => reorderUnits({ modelTopology: { node: [] } })).toThrow(/Sequential/);
    expect(() =>
      reorderUnits({
        modelTopology: { class_name: 'Sequential', config: { layers: [] } },
        weightSpecs: [{ name: 'w', shape: [4], dtype: 'float32' }],
        weightData: new ArrayBuffer(12),
      }),
    ).toThrow(expect.objectContaining({ code: 'input' }));
  });

  it('saves three percent or more of a pruned LeNet-300-100', () => {
    const cases = levelCases().filter(({ net }) => net === 'lenet-300-100-92');
    const weightSpecs = cases.map(({ layer, shape }) => ({
      name: `${layer}/kernel`,
      shape: [shape[1], shape[0]],
      dtype: 'float32' as const,
    }));
    const data = cases.flatMap(({ levels, shape: [outputs, inputs] }) =>
      Array.from(levels, (_, i) => levels[(i % outputs) * inputs + Math.floor(i / outputs)] * 0.5),
    );
    const artifacts: ModelArtifacts = {
      modelTopology: {
        class_name: 'Sequential',
        config: { layers: cases.map(({ layer }) => ({ class_name: 'Dense', config: { name: layer } })) },
      },
      weightSpecs,
      weightData: Float32Array.from(data).buffer,
    };
    const bytes = (model: ModelArtifacts): number =>
      inspect(encode(model, { effort: 1 })).tensors.reduce((n, t) => n + t.storedBytes, 0);
    expect(bytes(reorderUnits(artifacts).artifacts)).toBeLessThan(bytes(artifacts) * 0.97);
  });
});
