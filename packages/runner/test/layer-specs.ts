import type { LayerSpec } from '../src/recipe/layers/schema.js';

const l1l2 = { l1l2: { l1: 0.125, l2: 0.25 } };
const maxNorm = { maxNorm: { maxValue: 3, axis: 0 } };
const constant = { constant: { value: 0.25 } };
const weight = (...names: string[]): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => [
      [`${name}Initializer`, constant],
      [`${name}Regularizer`, l1l2],
      [`${name}Constraint`, maxNorm],
    ]),
  );
const frame = { name: 'it', trainable: true };
const conv = (n: number) => ({
  ...frame,
  kernelSize: [2, 3, 2].slice(0, n),
  strides: [1, 1, 1].slice(0, n),
  padding: 'same',
  activation: 'relu',
  useBias: true,
  ...weight('bias'),
});
const plain = (n: number) => ({
  ...conv(n),
  filters: 3,
  ...(n > 1 && { dataFormat: 'channelsLast' }),
  ...weight('kernel'),
});
const dilated = (n: number) => ({ dilationRate: [2, 2, 1].slice(0, n) });
const cell = {
  units: 3,
  activation: 'relu',
  useBias: true,
  ...weight('kernel', 'recurrent', 'bias'),
  dropout: 0.125,
  recurrentDropout: 0.25,
};
const time = { returnSequences: true, goBackwards: true, unroll: false };
const gated = { recurrentActivation: 'sigmoid', implementation: 1 };
const pool = (n: number) => ({
  ...frame,
  poolSize: [2, 3, 2].slice(0, n),
  strides: [2, 1, 1].slice(0, n),
  padding: 'same',
});
const first = { dataFormat: 'channelsFirst' };
const margins = [
  [1, 2],
  [0, 1],
];
const picture = [6, 6, 2];
const series = [5, 4];
const volume = [4, 4, 3, 2];

/** A layer with every option of its own, and what it takes in. */
export interface Sample {
  readonly spec: LayerSpec;
  readonly inputs: readonly number[];
}

const sample = (kind: string, config: object, inputs: readonly number[]): Sample => ({
  spec: { [kind]: { ...frame, ...config } } as LayerSpec,
  inputs,
});
const lstm = { ...cell, ...gated, unitForgetBias: true };
const convCell = {
  filters: 2,
  kernelSize: [2, 2],
  strides: [1, 1],
  padding: 'same',
  dataFormat: 'channelsLast',
  dilationRate: [1, 1],
  ...Object.fromEntries(Object.entries(lstm).filter(([key]) => key !== 'units' && !/ropout/.test(key))),
};

/** Every layer that a recipe can have, with all that it can be told. */
export const samples: readonly Sample[] = [
  sample('elu', { alpha: 1 }, series),
  sample('reLU', { maxValue: 3 }, series),
  sample('leakyReLU', { alpha: 0.5 }, series),
  sample('prelu', { ...weight('alpha'), sharedAxes: [1] }, series),
  sample('softmax', { axis: -1 }, series),
  sample('thresholdedReLU', { theta: 0.5 }, series),
  sample('conv1d', { ...plain(1), ...dilated(1) }, series),
  sample('conv2d', { ...plain(2), ...dilated(2) }, picture),
  sample('conv3d', { ...plain(3), dilationRate: [1, 1, 1] }, volume),
  sample('conv2dTranspose', plain(2), picture),
  sample('conv3dTranspose', plain(3), volume),
  sample(
    'separableConv2d',
    {
      ...conv(2),
      filters: 3,
      dataFormat: 'channelsLast',
      dilationRate: [2, 2],
      depthMultiplier: 3,
      ...weight('depthwise', 'pointwise'),
    },
    picture,
  ),
  sample(
    'depthwiseConv2d',
    { ...conv(2), dataFormat: 'channelsLast', depthMultiplier: 3, ...weight('depthwise') },
    picture,
  ),
  sample('cropping2D', { cropping: margins, ...first }, [2, 6, 6]),
  sample('upSampling2d', { size: [2, 3], ...first, interpolation: 'bilinear' }, [2, 6, 6]),
  sample('zeroPadding2d', { padding: margins, ...first }, [2, 6, 6]),
  sample('activation', { activation: 'hardSigmoid' }, series),
  sample('dense', { units: 3, activation: 'relu', useBias: true, ...weight('kernel', 'bias') }, [4]),
  sample('dropout', { rate: 0.5, noiseShape: [null, 1, 4] }, series),
  sample('spatialDropout1d', { rate: 0.5 }, series),
  sample('gaussianNoise', { stddev: 0.5 }, series),
  sample('gaussianDropout', { rate: 0.5 }, series),
  sample('alphaDropout', { rate: 0.5, noiseShape: [1, 5, 4] }, series),
  sample('flatten', first, [2, 6, 6]),
  sample('repeatVector', { n: 3 }, [4]),
  sample('reshape', { targetShape: [2, 10] }, series),
  sample('permute', { dims: [2, 1] }, series),
  sample('masking', { maskValue: 3 }, series),
  sample(
    'embedding',
    { inputDim: 7, outputDim: 3, ...weight('embeddings'), maskZero: false, inputLength: 5 },
    [5],
  ),
  sample(
    'batchNormalization',
    {
      axis: 2,
      momentum: 0.5,
      epsilon: 0.125,
      center: true,
      scale: true,
      ...weight('beta', 'gamma'),
      movingMeanInitializer: constant,
      movingVarianceInitializer: constant,
    },
    series,
  ),
  sample(
    'layerNormalization',
    {
      axis: [2],
      epsilon: 0.125,
      center: true,
      scale: true,
      betaInitializer: constant,
      gammaInitializer: constant,
      betaRegularizer: l1l2,
      gammaRegularizer: l1l2,
    },
    series,
  ),
  ...['averagePooling1d', 'avgPool1d', 'avgPooling1d', 'maxPooling1d', 'maxPool1d'].map((kind) =>
    sample(kind, pool(1), series),
  ),
  ...['averagePooling2d', 'avgPool2d', 'avgPooling2d', 'maxPooling2d', 'maxPool2d'].map((kind) =>
    sample(kind, { ...pool(2), dataFormat: 'channelsLast' }, picture),
  ),
  ...['averagePooling3d', 'avgPool3d', 'avgPooling3d', 'maxPooling3d'].map((kind) =>
    sample(kind, { ...pool(3), dataFormat: 'channelsLast' }, volume),
  ),
  ...['globalAveragePooling1d', 'globalMaxPooling1d', 'globalMaxPool1d'].map((kind) =>
    sample(kind, {}, series),
  ),
  ...['globalAveragePooling2d', 'globalMaxPooling2d', 'globalMaxPool2d'].map((kind) =>
    sample(kind, first, [2, 6, 6]),
  ),
  sample('simpleRNN', { ...cell, ...time }, series),
  sample('gru', { ...cell, ...gated, ...time }, series),
  sample('lstm', { ...lstm, ...time }, series),
  sample('convLstm2d', { ...convCell, ...time }, [3, 6, 6, 2]),
  sample('rnn', { cell: { gruCell: cell }, ...time }, series),
  sample('rnn', { cell: [{ lstmCell: lstm }, { simpleRNNCell: cell }] }, series),
  sample('rnn', { cell: { stackedRNNCells: { cells: [{ gruCell: cell }, { lstmCell: lstm }] } } }, series),
  sample('bidirectional', { layer: { lstm: { ...lstm, ...time } }, mergeMode: 'sum' }, series),
  sample('bidirectional', { layer: { gru: { units: 3 } } }, series),
  sample(
    'timeDistributed',
    { layer: { separableConv2d: { filters: 3, kernelSize: [2, 2], depthMultiplier: 2 } } },
    [3, 6, 6, 2],
  ),
  sample('rescaling', { scale: 3, offset: 2 }, picture),
  sample('centerCrop', { height: 3, width: 2 }, picture),
  sample('categoryEncoding', { numTokens: 7, outputMode: 'count' }, [5]),
];

/** What TF.js computes or trains wrongly, or not at all: refused by name. */
export const refused: readonly (Sample & { readonly why: RegExp })[] = [
  {
    ...sample(
      'resizing',
      { height: 3, width: 2, interpolation: 'nearest', cropToAspectRatio: true },
      picture,
    ),
    why: /resizing: TF.js gives \[3,2,2\] where it says/,
  },
  {
    ...sample('randomWidth', { factor: [0.25, 0.5], interpolation: 'nearest' }, picture),
    why: /randomWidth: Negative dimension size/,
  },
];
