import '@tensorflow/tfjs-backend-cpu';
import { createTrainer, type Data, parametersOf, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { silent } from '../../src/pipeline/listener.js';
import { Memory } from '../../src/pipeline/memory.js';
import { Plugins } from '../../src/pipeline/plugins.js';
import { prepareStages } from '../../src/pipeline/prepare.js';
import { learningRateOf } from '../../src/pipeline/rates.js';
import { applyOnce } from '../../src/pipeline/stages.js';
import type { TrainStage } from '../../src/recipe/schema.js';
import { imported } from './recipe.js';

const { layers } = tfl;

/** Steps with a learning rate of almost nothing: what changes are the masks. */
const data = (shape: number[], classes: number): Data => ({
  size: 4,
  stepsPerEpoch: 2,
  *batches() {
    for (let i = 0; i < 2; i++) {
      yield {
        inputs: tf.randomNormal([2, ...shape], 0, 1, 'float32', 7),
        labels: tf.tensor2d(
          [0, 1].map((label) => Array.from({ length: classes }, (_, c) => Number(c === label))),
        ),
      };
    }
  },
});

/** Runs an imported recipe, and tells the sparsity of a parameter in each epoch. */
async function sparsities(
  yaml: string,
  model: tfl.LayersModel,
  name: string,
  epochs: number,
): Promise<{ by: number[]; run: Run }> {
  const { loaded } = imported(yaml, { parameters: parametersOf(model), epochs, learningRate: 1e-9 });
  const prepared = await prepareStages(loaded, await Plugins.of(loaded));
  const run = new Run(model);
  const by: number[] = [];
  const shape = model.inputs[0].shape.slice(1) as number[];
  const classes = model.outputs[0].shape.at(-1)!;
  for (const stage of prepared) {
    if (stage.once !== undefined) {
      await applyOnce({ run, listener: silent, memory: new Memory() }, stage);
      continue;
    }
    const { epochs: own } = stage.stage as TrainStage;
    const trainer = await createTrainer(run, {
      data: data(shape, classes),
      epochs: own,
      learningRate: learningRateOf(stage.stage as TrainStage),
      optimizer: { name: 'sgd' },
      schedules: stage.schedules.map(({ shared: _, ...schedule }) => schedule),
    });
    for (let e = 0; e < own; e++) {
      await trainer.nextEpoch();
      const values = run.parameter(name).variable.dataSync();
      by.push(values.filter((value) => value === 0).length / values.length);
    }
    await trainer.finish();
  }
  return { by, run };
}

/** A schedule of one pruner, in some epochs. */
const pruner = (definition: string, start: number, end: number, every = 1): string => `
pruners:
  my_pruner:
${definition.replace(/^/gm, '    ')}
policies:
  - pruner: { instance_name: my_pruner }
    starting_epoch: ${start}
    ending_epoch: ${end}
    frequency: ${every}
`;

const dense = (): tfl.LayersModel =>
  tfl.sequential({
    layers: [
      layers.dense({
        name: 'fc',
        units: 100,
        inputShape: [100],
        useBias: false,
        kernelInitializer: tfl.initializers.randomNormal({ seed: 3 }),
      }),
      layers.dense({ name: 'out', units: 2, activation: 'softmax' }),
    ],
  });

describe('an imported recipe prunes as Distiller does', () => {
  it('gradually: the golden rates, in the same epochs', async () => {
    const agp =
      'class: AutomatedGradualPruner\ninitial_sparsity: 0.05\nfinal_sparsity: 0.85\nweights: [module.fc.weight]';
    const { by } = await sparsities(pruner(agp, 1, 13, 5), dense(), 'fc/kernel', 14);
    const wanted = [0, ...Array(5).fill(0.05), ...Array(5).fill(0.75), ...Array(3).fill(0.85)];
    for (const [e, s] of wanted.entries()) expect(by[e]).toBeCloseTo(s, 3);
  });

  it('gradually, cut in two by thinning', async () => {
    const agp =
      'class: AutomatedGradualPruner\ninitial_sparsity: 0.05\nfinal_sparsity: 0.85\nweights: [fc.weight]';
    const cut = `${pruner(agp, 0, 38, 2)}  - extension: { instance_name: thinner }
    epochs: [6]
extensions:
  thinner: { class: FilterRemover, thinning_func_str: remove_filters, arch: a, dataset: d }
`;
    const { by } = await sparsities(cut, dense(), 'fc/kernel', 38);
    const golden = [
      0.05, 0.1761, 0.2881, 0.387, 0.4736, 0.5486, 0.613, 0.6674, 0.7128, 0.75, 0.7798, 0.8029, 0.8204,
      0.8329, 0.8412, 0.8463, 0.8489, 0.8499, 0.85,
    ];
    for (const [i, s] of golden.entries()) {
      expect(by[2 * i]).toBeCloseTo(s, 3);
      expect(by[2 * i + 1]).toBe(by[2 * i]);
    }
  });

  it('by the Baidu thresholds, whole or cut short', async () => {
    const baidu =
      'class: BaiduRNNPruner\nq: 0.4\nramp_epoch_offset: 3\nramp_slope_mult: 2\nweights: [fc.weight]';
    const golden = [0.0267, 0.0533, 0.08, 0.16, 0.2133, 0.2667, 0.32, 0.3733, 0.4267, 0.48, 0.5333];
    // Weights 0.0001, 0.0002, … 1: the sparsity is the threshold.
    const ramp = (): tfl.LayersModel => {
      const model = dense();
      const kernel = tf.tensor2d(
        Float32Array.from({ length: 10_000 }, (_, i) => ((i + 1) / 10_000) * (i % 2 ? 1 : -1)),
        [100, 100],
      );
      model.layers[0].setWeights([kernel]);
      return model;
    };
    const whole = await sparsities(pruner(baidu, 0, 11), ramp(), 'fc/kernel', 11);
    const cut = await sparsities(pruner(baidu, 0, 11), ramp(), 'fc/kernel', 8);
    for (const [e, threshold] of golden.entries()) expect(whole.by[e]).toBeCloseTo(threshold, 3);
    expect(cut.by).toEqual(whole.by.slice(0, 8));
  });

  it('by filters, with thinning in mid-training: half of them are gone, and the fine pruner goes on', async () => {
    const model = tfl.sequential({
      layers: [
        layers.conv2d({
          name: 'conv1',
          filters: 8,
          kernelSize: 3,
          inputShape: [6, 6, 1],
          activation: 'relu',
        }),
        layers.conv2d({ name: 'conv2', filters: 4, kernelSize: 3, activation: 'relu' }),
        layers.flatten(),
        layers.dense({ name: 'fc', units: 2, activation: 'softmax' }),
      ],
    });
    const { by, run } = await sparsities(
      `
pruners:
  filters: { class: L1RankedStructureParameterPruner_AGP, initial_sparsity: 0.1, final_sparsity: 0.5, group_type: Filters, weights: [module.conv1.weight] }
  fine: { class: AutomatedGradualPruner, initial_sparsity: 0.1, final_sparsity: 0.75, weights: [module.conv2.weight] }
extensions:
  thinner: { class: FilterRemover, thinning_func_str: remove_filters, arch: a, dataset: d }
policies:
  - { pruner: { instance_name: filters }, starting_epoch: 0, ending_epoch: 4, frequency: 1 }
  - { pruner: { instance_name: fine }, starting_epoch: 3, ending_epoch: 8, frequency: 2 }
  - { extension: { instance_name: thinner }, epochs: [5] }
`,
      model,
      'conv2/kernel',
      9,
    );
    expect(run.parameter('conv1/kernel').shape).toEqual([3, 3, 1, 4]);
    expect(run.parameter('conv2/kernel').shape).toEqual([3, 3, 4, 4]);
    // Of 144 weights that are left, floor(0.75 · 144) are pruned in the end.
    expect(by.slice(7)).toEqual([0.75, 0.75]);
  });

  it('by filters that residual additions tie, though no leader does', async () => {
    const conv = (name: string): tfl.layers.Layer =>
      layers.conv2d({ name, filters: 8, kernelSize: 3, padding: 'same', useBias: false });
    const input = tfl.input({ shape: [6, 6, 1] });
    let x = conv('stem').apply(input) as tfl.SymbolicTensor;
    for (const block of ['layer1.0', 'layer1.1']) {
      let y = layers.reLU().apply(conv(`${block}.conv1`).apply(x)) as tfl.SymbolicTensor;
      y = layers
        .batchNormalization({ name: `${block}.bn2` })
        .apply(conv(`${block}.conv2`).apply(y)) as tfl.SymbolicTensor;
      x = layers.add().apply([x, y]) as tfl.SymbolicTensor;
    }
    const pooled = layers.globalAveragePooling2d({}).apply(x);
    const output = layers.dense({ name: 'fc', units: 2, activation: 'softmax' }).apply(pooled);
    const model = tfl.model({ inputs: input, outputs: output as tfl.SymbolicTensor });
    const yaml = `
pruners:
  filters:
    class: L1RankedStructureParameterPruner
    group_type: Filters
    desired_sparsity: 0.5
    weights: [module.layer1.0.conv1.weight, module.layer1.0.conv2.weight, module.layer1.1.conv2.weight]
extensions:
  thinner: { class: FilterRemover, thinning_func_str: remove_filters, arch: a, dataset: d }
policies:
  - { pruner: { instance_name: filters }, epochs: [1] }
  - { extension: { instance_name: thinner }, epochs: [1] }
`;
    const { run } = await sparsities(yaml, model, 'fc/kernel', 2);
    const shapes = Object.fromEntries(run.parameters.map(({ name, shape }) => [name, shape.join()]));
    expect(shapes).toMatchObject({
      'stem/kernel': '3,3,1,4',
      'layer1.0.conv1/kernel': '3,3,4,4',
      'layer1.0.conv2/kernel': '3,3,4,4',
      'layer1.1.conv1/kernel': '3,3,4,8',
      'layer1.1.conv2/kernel': '3,3,8,4',
      'layer1.0.bn2/gamma': '4',
      'fc/kernel': '4,2',
    });
  });
});
