import '@tensorflow/tfjs-backend-cpu';
import { Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { ratePrior } from '../src/index.js';
import { levelled } from '../src/internal/levels.js';
import { firstNumbers, levelOf, stepFrom } from '../src/internal/numbers.js';
import { atEightBits, setStatistic } from '../src/internal/statistics.js';

const init = (seed: number) => ({
  kernelInitializer: tfl.initializers.glorotUniform({ seed }),
  ...others(seed),
});
const others = (seed: number) => ({
  depthwiseInitializer: tfl.initializers.glorotUniform({ seed: seed + 100 }),
  pointwiseInitializer: tfl.initializers.glorotUniform({ seed: seed + 200 }),
  recurrentInitializer: tfl.initializers.glorotUniform({ seed: seed + 300 }),
  embeddingsInitializer: tfl.initializers.randomUniform({ minval: -0.1, maxval: 0.1, seed: seed + 400 }),
  biasInitializer: tfl.initializers.randomUniform({ minval: -0.1, maxval: 0.1, seed: seed + 500 }),
});
const out = () => tfl.layers.dense({ name: 'out', units: 2, activation: 'softmax', ...init(9) });

const nets: Record<string, () => tfl.LayersModel> = {
  'dense and normalised': () =>
    tfl.sequential({
      layers: [
        tfl.layers.dense({ name: 'fc', units: 4, inputShape: [6], ...init(1) }),
        tfl.layers.batchNormalization({ name: 'norm' }),
        out(),
      ],
    }),
  convolutions: () =>
    tfl.sequential({
      layers: [
        tfl.layers.conv2d({ name: 'conv', filters: 3, kernelSize: 2, inputShape: [5, 5, 1], ...init(1) }),
        tfl.layers.depthwiseConv2d({ name: 'depth', kernelSize: 2, ...init(2) }),
        tfl.layers.separableConv2d({ name: 'both', filters: 4, kernelSize: 2, ...others(3) }),
        tfl.layers.flatten(),
        out(),
      ],
    }),
  'embedded and recurrent': () =>
    tfl.sequential({
      layers: [
        tfl.layers.embedding({ name: 'words', inputDim: 7, outputDim: 3, inputLength: 4, ...init(1) }),
        tfl.layers.bidirectional({
          layer: tfl.layers.gru({ name: 'gru', units: 3, returnSequences: true, ...init(2) }) as never,
          mergeMode: 'concat',
        }),
        tfl.layers.lstm({ name: 'lstm', units: 3, ...init(3) }),
        out(),
      ],
    }),
  'a model in a model': () => {
    const input = tfl.input({ shape: [6] });
    const inner = tfl.sequential({
      name: 'inner',
      layers: [tfl.layers.dense({ name: 'fc', units: 4, inputShape: [6], ...init(1) })],
    });
    return tfl.model({ inputs: input, outputs: out().apply(inner.apply(input)) as tfl.SymbolicTensor });
  },
};

function batch(model: tfl.LayersModel, seed: number): { inputs: tf.Tensor; labels: tf.Tensor } {
  const shape = [8, ...(model.inputs[0].shape.slice(1) as number[])];
  const words = model.layers[0].name === 'words';
  const inputs = words
    ? tf.tidy(() => tf.cast(tf.randomUniform(shape, 0, 7, 'float32', seed), 'int32'))
    : tf.randomNormal(shape, 0, 1, 'float32', seed);
  const labels = tf.tidy(() =>
    tf.cast(tf.oneHot(tf.tensor1d([0, 1, 0, 1, 1, 0, 1, 0], 'int32'), 2), 'float32'),
  );
  return { inputs, labels };
}

describe('a net at its levels', () => {
  it.each(Object.entries(nets))(
    '%s: what the loss has seen is what the quantizer makes, to the bit',
    async (_, make) => {
      const run = new Run(make(), { seed: 3 });
      const prior = ratePrior({ weight: 0.5 });
      const running = await run.start(prior, { parameters: '**' });
      const data = {
        size: 16,
        stepsPerEpoch: 2,
        batches: () => [1, 2].map((seed) => batch(run.model, seed)),
      };
      await train(run, { data, epochs: 1, learningRate: 0.01 }); // TF.js makes constants when a layer is first trained.
      const before = tf.memory().numTensors;
      await train(run, { data, epochs: 2, learningRate: 0.01, schedules: [{ plugin: running }] });
      expect(tf.memory().numTensors).toBe(before);
      for (const p of run.parameters.filter(({ role }) => role === 'statistic'))
        setStatistic(p, atEightBits(p.variable.dataSync() as Float32Array)); // No levels, fewer bits.
      const { inputs } = batch(run.model, 5);
      const outputs = (): number[] => [
        ...(run.model.apply(inputs, { training: false }) as tf.Tensor).dataSync(),
      ];
      const plain = outputs();
      const seen = tf.tidy(() => running.session.forward({} as never, outputs));
      expect(outputs()).toEqual(plain); // Put back.
      const read = running.session.readings();
      await run.quantize(prior.quantizer, '**', undefined, await running.save());
      running.dispose();
      expect(outputs()).toEqual(seen);
      expect(seen).not.toEqual(plain);
      const trained = run.parameters.filter(({ role }) => role !== 'statistic');
      expect(read.map(({ name }) => name)).toEqual(trained.map(({ name }) => name));
      for (const [i, { variable }] of trained.entries()) {
        const values = [...variable.dataSync()];
        for (const value of values)
          expect(Math.fround(Math.round(value / read[i].step) * read[i].step)).toBe(value);
        expect(values.filter((value) => value !== 0).length).toBe(read[i].nonzero);
      }
    },
  );
});

describe('steps and levels', () => {
  it('steps have four significant bits', () => {
    for (let logStep = -20; logStep < 5; logStep += 0.37) {
      const step = stepFrom({ ...firstNumbers(1, 1), logStep });
      expect(new Uint32Array(Float32Array.of(step).buffer)[0] % 2 ** 20).toBe(0);
      expect(Math.abs(Math.log(step) - logStep)).toBeLessThan(1 / 15.9);
    }
  });

  it('halves go to the even level, and 0 is never -0', () => {
    expect([0.25, 0.75, -0.25, -0.75, 1.25].map((w) => levelOf(w, 0.5))).toEqual([0, 2, 0, -2, 2]);
  });

  it('has a fixed 0 in its codebook, also where no weight is 0', () => {
    const { codebook, indices, fixed } = levelled('w', Float32Array.of(1, -2, 1.1), 0.5);
    expect([...codebook]).toEqual([-2, 0, 1]);
    expect([...indices]).toEqual([2, 0, 2]);
    expect(fixed).toEqual([1]);
  });

  it('refuses more levels than a codebook has', () => {
    const weights = Float32Array.from({ length: 70_000 }, (_, i) => i);
    expect(() => levelled('w', weights, 1)).toThrow(/w has 70000 levels of step 1/);
  });

  it('starts anywhere at 0', () => {
    expect(stepFrom(firstNumbers(0, 0.67))).toBe(1 / 32);
  });
});
