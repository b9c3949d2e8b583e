// All of TF.js: the orthogonal initializer of recurrent layers needs its chained ops.
import '@tensorflow/tfjs';
import { layersOf, type Parameter, parametersOf } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';

const { layers } = tfl;

/** `name role [shape] axes` of one parameter, to compare with a line written by hand. */
function line({ name, role, shape, axes }: Parameter): string {
  const parts = (['in', 'out', 'multiplier'] as const).flatMap((k) =>
    axes[k] === undefined ? [] : [`${k}${axes[k]}`],
  );
  if (axes.spatial.length > 0) parts.push(`spatial${axes.spatial.join('')}`);
  if (axes.gates !== 1) parts.push(`gates${axes.gates}`);
  return `${name} ${role} [${shape}] ${parts.join(' ')}`.trim();
}

interface Case {
  readonly what: string;
  readonly make: () => tfl.LayersModel;
  readonly expected: readonly string[];
}

const one = (layer: tfl.layers.Layer): tfl.LayersModel => tfl.sequential({ layers: [layer] });

const cases: readonly Case[] = [
  {
    what: 'dense',
    make: () => one(layers.dense({ name: 'fc', units: 3, inputShape: [2] })),
    expected: ['fc/kernel kernel [2,3] in0 out1', 'fc/bias bias [3] out0'],
  },
  {
    what: 'dense without a bias',
    make: () => one(layers.dense({ name: 'fc', units: 3, inputShape: [2], useBias: false })),
    expected: ['fc/kernel kernel [2,3] in0 out1'],
  },
  {
    what: 'conv1d',
    make: () => one(layers.conv1d({ name: 'c', filters: 4, kernelSize: 3, inputShape: [9, 2] })),
    expected: ['c/kernel kernel [3,2,4] in1 out2 spatial0', 'c/bias bias [4] out0'],
  },
  {
    what: 'conv2d',
    make: () => one(layers.conv2d({ name: 'c', filters: 4, kernelSize: [3, 2], inputShape: [9, 9, 2] })),
    expected: ['c/kernel kernel [3,2,2,4] in2 out3 spatial01', 'c/bias bias [4] out0'],
  },
  {
    what: 'conv3d',
    make: () => one(layers.conv3d({ name: 'c', filters: 4, kernelSize: 2, inputShape: [5, 5, 5, 3] })),
    expected: ['c/kernel kernel [2,2,2,3,4] in3 out4 spatial012', 'c/bias bias [4] out0'],
  },
  {
    what: 'depthwise',
    make: () =>
      one(layers.depthwiseConv2d({ name: 'd', kernelSize: 3, depthMultiplier: 2, inputShape: [9, 9, 5] })),
    expected: ['d/depthwise_kernel depthwise [3,3,5,2] in2 multiplier3 spatial01', 'd/bias bias [10] out0'],
  },
  {
    what: 'separable',
    make: () => one(layers.separableConv2d({ name: 's', kernelSize: 3, filters: 7, inputShape: [9, 9, 5] })),
    expected: [
      's/depthwise_kernel depthwise [3,3,5,1] in2 multiplier3 spatial01',
      's/pointwise_kernel kernel [1,1,5,7] in2 out3 spatial01',
      's/bias bias [7] out0',
    ],
  },
  {
    what: 'conv2dTranspose',
    make: () => one(layers.conv2dTranspose({ name: 't', filters: 4, kernelSize: 3, inputShape: [5, 5, 2] })),
    expected: ['t/kernel kernel [3,3,4,2] in3 out2 spatial01', 't/bias bias [4] out0'],
  },
  {
    what: 'conv3dTranspose',
    make: () =>
      one(layers.conv3dTranspose({ name: 't', filters: 4, kernelSize: 2, inputShape: [4, 4, 4, 3] })),
    expected: ['t/kernel kernel [2,2,2,4,3] in4 out3 spatial012', 't/bias bias [4] out0'],
  },
  {
    what: 'embedding',
    make: () => one(layers.embedding({ name: 'e', inputDim: 11, outputDim: 4, inputLength: 3 })),
    expected: ['e/embeddings embedding [11,4] in0 out1'],
  },
  {
    what: 'lstm',
    make: () => one(layers.lstm({ name: 'r', units: 3, inputShape: [4, 2] })),
    expected: [
      'r/kernel kernel [2,12] in0 out1 gates4',
      'r/recurrent_kernel recurrent [3,12] in0 out1 gates4',
      'r/bias bias [12] out0 gates4',
    ],
  },
  {
    what: 'gru',
    make: () => one(layers.gru({ name: 'r', units: 3, inputShape: [4, 2] })),
    expected: [
      'r/kernel kernel [2,9] in0 out1 gates3',
      'r/recurrent_kernel recurrent [3,9] in0 out1 gates3',
      'r/bias bias [9] out0 gates3',
    ],
  },
  {
    what: 'simpleRNN',
    make: () => one(layers.simpleRNN({ name: 'r', units: 3, inputShape: [4, 2] })),
    expected: [
      'r/kernel kernel [2,3] in0 out1',
      'r/recurrent_kernel recurrent [3,3] in0 out1',
      'r/bias bias [3] out0',
    ],
  },
  {
    what: 'rnn around a cell',
    make: () => one(layers.rnn({ name: 'r', cell: layers.gruCell({ units: 3 }), inputShape: [4, 2] })),
    expected: [
      'r/kernel kernel [2,9] in0 out1 gates3',
      'r/recurrent_kernel recurrent [3,9] in0 out1 gates3',
      'r/bias bias [9] out0 gates3',
    ],
  },
  {
    what: 'stacked cells',
    make: () =>
      one(
        layers.rnn({
          name: 'r',
          cell: layers.stackedRNNCells({
            cells: [layers.lstmCell({ units: 3, useBias: false }), layers.simpleRNNCell({ units: 2 })],
          }),
          inputShape: [4, 5],
        }),
      ),
    expected: [
      'r/cell_0/kernel kernel [5,12] in0 out1 gates4',
      'r/cell_0/recurrent_kernel recurrent [3,12] in0 out1 gates4',
      'r/cell_1/kernel kernel [3,2] in0 out1',
      'r/cell_1/recurrent_kernel recurrent [2,2] in0 out1',
      'r/cell_1/bias bias [2] out0',
    ],
  },
  {
    what: 'convLstm2d',
    make: () => one(layers.convLstm2d({ name: 'r', filters: 2, kernelSize: 3, inputShape: [2, 6, 6, 3] })),
    expected: [
      'r/kernel kernel [3,3,3,8] in2 out3 spatial01 gates4',
      'r/recurrent_kernel recurrent [3,3,2,8] in2 out3 spatial01 gates4',
      'r/bias bias [8] out0 gates4',
    ],
  },
  {
    what: 'bidirectional',
    make: () =>
      one(
        layers.bidirectional({
          name: 'both',
          layer: layers.lstm({ name: 'r', units: 2, useBias: false }),
          inputShape: [4, 3],
        }),
      ),
    expected: [
      'both/forward_r/kernel kernel [3,8] in0 out1 gates4',
      'both/forward_r/recurrent_kernel recurrent [2,8] in0 out1 gates4',
      'both/backward_r/kernel kernel [3,8] in0 out1 gates4',
      'both/backward_r/recurrent_kernel recurrent [2,8] in0 out1 gates4',
    ],
  },
  {
    what: 'timeDistributed',
    make: () =>
      one(
        layers.timeDistributed({
          name: 'td',
          layer: layers.dense({ name: 'fc', units: 2 }),
          inputShape: [4, 3],
        }),
      ),
    expected: ['td/kernel kernel [3,2] in0 out1', 'td/bias bias [2] out0'],
  },
  {
    what: 'batch normalisation',
    make: () => one(layers.batchNormalization({ name: 'bn', inputShape: [4, 4, 3] })),
    expected: [
      'bn/gamma scale [3] out0',
      'bn/beta offset [3] out0',
      'bn/moving_mean statistic [3] out0',
      'bn/moving_variance statistic [3] out0',
    ],
  },
  {
    what: 'layer normalisation',
    make: () => one(layers.layerNormalization({ name: 'ln', inputShape: [5] })),
    expected: ['ln/gamma scale [5] out0', 'ln/beta offset [5] out0'],
  },
  {
    what: 'prelu',
    make: () => one(layers.prelu({ name: 'p', inputShape: [4, 4, 3], sharedAxes: [1, 2] })),
    expected: ['p/alpha scale [1,1,3] out2'],
  },
  {
    what: 'a nested model',
    make: () => {
      const encoder = tfl.sequential({
        name: 'encoder',
        layers: [
          layers.dense({ name: 'a', units: 3, inputShape: [2] }),
          layers.batchNormalization({ name: 'bn', scale: false }),
        ],
      });
      return tfl.sequential({ layers: [encoder, layers.dense({ name: 'head', units: 1, useBias: false })] });
    },
    expected: [
      'encoder/a/kernel kernel [2,3] in0 out1',
      'encoder/a/bias bias [3] out0',
      'encoder/bn/beta offset [3] out0',
      'encoder/bn/moving_mean statistic [3] out0',
      'encoder/bn/moving_variance statistic [3] out0',
      'head/kernel kernel [3,1] in0 out1',
    ],
  },
  {
    what: 'a layer that is used twice',
    make: () => {
      const [a, b] = [tfl.input({ shape: [2] }), tfl.input({ shape: [2] })];
      const shared = layers.dense({ name: 'shared', units: 3 });
      const sum = layers
        .add()
        .apply([
          shared.apply(a) as tfl.SymbolicTensor,
          shared.apply(b) as tfl.SymbolicTensor,
        ]) as tfl.SymbolicTensor;
      const head = layers.dense({ name: 'head', units: 1, useBias: false });
      return tfl.model({ inputs: [a, b], outputs: head.apply(sum) as tfl.SymbolicTensor });
    },
    expected: [
      'shared/kernel kernel [2,3] in0 out1',
      'shared/bias bias [3] out0',
      'head/kernel kernel [3,1] in0 out1',
    ],
  },
  {
    what: 'a wrapped nested model',
    make: () => {
      const inner = tfl.sequential({
        name: 'inner',
        layers: [layers.conv1d({ name: 'c', filters: 2, kernelSize: 2, inputShape: [5, 3] })],
      });
      return one(layers.timeDistributed({ name: 'td', layer: inner, inputShape: [4, 5, 3] }));
    },
    expected: ['td/c/kernel kernel [2,3,2] in1 out2 spatial0', 'td/c/bias bias [2] out0'],
  },
];

/** The model after a round through `model.save` and `loadLayersModel`, and the names it was saved under. */
async function reload(model: tfl.LayersModel): Promise<{ model: tfl.LayersModel; saved: string[] }> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return {
    model: await tfl.loadLayersModel(tf.io.fromMemory(artifacts!)),
    saved: artifacts!.weightSpecs!.map((spec) => spec.name),
  };
}

describe('parametersOf', () => {
  test.each(cases)('names, roles and axes of $what', async ({ make, expected }) => {
    const model = make();
    const parameters = parametersOf(model);
    expect(parameters.map(line)).toEqual(expected);
    for (const p of parameters) {
      expect(p.size).toBe(p.shape.reduce((a, b) => a * b, 1));
      expect(p.variable.shape).toEqual(p.shape);
      expect(p.trainable).toBe(p.role !== 'statistic');
    }

    const { model: again, saved } = await reload(model);
    expect(parameters.map((p) => p.savedAs).sort()).toEqual(saved.toSorted());
    const after = parametersOf(again);
    expect(after.map(line)).toEqual(expected);
    expect(after.map((p) => p.savedAs)).toEqual(parameters.map((p) => p.savedAs));
    for (const [i, p] of after.entries()) {
      expect(p.variable.dataSync()).toEqual(parameters[i].variable.dataSync());
    }
  });

  test.each(cases)('every weight of $what, once', ({ make }) => {
    const model = make();
    const variables = new Set(parametersOf(model).map((p) => p.variable));
    expect(variables.size).toBe(parametersOf(model).length);
    expect(parametersOf(model).reduce((sum, p) => sum + p.size, 0)).toBe(model.countParams());
  });

  test.each(cases.filter(({ make }) => parametersOf(make()).some((p) => p.trainable)))(
    'a frozen layer of $what is not trainable',
    ({ make }) => {
      const model = make();
      for (const layer of model.layers) layer.trainable = false;
      expect(
        parametersOf(model)
          .filter((p) => p.trainable)
          .map((p) => p.name),
      ).toEqual([]);
      for (const layer of model.layers) layer.trainable = true;
      expect(parametersOf(model).filter((p) => !p.trainable && p.role !== 'statistic')).toEqual([]);
    },
  );

  test('the layer of a parameter is the innermost one', () => {
    const inner = tfl.sequential({
      name: 'inner',
      layers: [layers.dense({ name: 'a', units: 3, inputShape: [2] })],
    });
    const model = tfl.sequential({ layers: [inner] });
    expect(parametersOf(model)[0].layer).toBe(inner.layers[0]);
    expect(layersOf(model).map((l) => l.name)).toEqual(['a']);
  });

  test('layersOf looks into wrappers and lists a shared layer once', () => {
    const shared = cases.find((c) => c.what === 'a layer that is used twice')!.make();
    expect(layersOf(shared).filter((l) => l.name === 'shared')).toHaveLength(1);
    const wrapped = cases.find((c) => c.what === 'bidirectional')!.make();
    expect(layersOf(wrapped).map((l) => l.name)).toEqual(['forward_r', 'backward_r']);
  });

  test('a custom layer gives parameters of role other', () => {
    class Scale extends layers.Layer {
      static className = 'ScaleForTest';
      override build(): void {
        this.addWeight('factor', [1], 'float32', tfl.initializers.ones());
        this.built = true;
      }
      override computeOutputShape(shape: tfl.Shape): tfl.Shape {
        return shape;
      }
    }
    const model = tfl.sequential({ layers: [new Scale({ name: 's', inputShape: [2] } as never)] });
    expect(parametersOf(model).map(line)).toEqual(['s/factor other [1]']);
  });
});
