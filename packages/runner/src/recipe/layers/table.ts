import type { layers } from '@tensorflow/tfjs-layers';
import * as z from 'zod';
import type { Options } from './factories.js';
import * as v from './values.js';

type Layers = Omit<typeof layers, 'Layer' | 'RNN' | 'RNNCell' | 'input' | 'inputLayer'>;
/** What every layer takes; the first one tells the shape of its inputs besides. */
type Common =
  | 'name'
  | 'trainable'
  | 'inputShape'
  | 'dtype'
  | 'batchInputShape'
  | 'batchSize'
  | 'inputDType'
  | 'weights';
type Args<F> = F extends (args: infer A) => unknown
  ? Exclude<Extract<keyof NonNullable<A>, string>, Common>
  : never;
/** The options of each layer of TF.js, so that the compiler misses none. */
type Table = { readonly [L in keyof Layers]: Options<Args<Layers[L]>> };

const { activation: oneOf, count, flag, number, refused, whole, weight } = v;
const activation = oneOf.optional();
const { aInitializer, aRegularizer } = weight('a');

const bias = { useBias: flag, ...weight('bias') };
const activity = { activityRegularizer: refused('TF.js 4.22 cannot run a layer that has one') };
const conv = (n: number) => ({
  kernelSize: v.each(n),
  strides: v.each(n).optional(),
  padding: v.padding,
  ...v.dataFormat,
  dilationRate: v.each(n).optional(),
  activation,
  ...weight('kernel'),
  ...bias,
  ...activity,
});
const filters = (n: number) => ({ filters: count, ...conv(n) });
const undilated = { dilationRate: refused('TF.js 4.22 computes this layer without dilation') };
const noKernel = (() => {
  const why = refused('this layer has depthwise and pointwise weights; name those');
  return { kernelInitializer: why, kernelRegularizer: why, kernelConstraint: why };
})();
const pool = (n: number) => ({
  poolSize: v.each(n).optional(),
  strides: v.each(n).optional(),
  padding: v.padding,
});

const cell = {
  activation,
  ...weight('kernel'),
  ...weight('recurrent'),
  ...bias,
  dropout: v.share.optional(),
  recurrentDropout: v.share.optional(),
  dropoutFunc: refused('functions are for code'),
};
const gated = { recurrentActivation: activation, implementation: z.literal([1, 2]).optional() };
const gru = { units: count, ...cell, ...gated };
const lstm = { ...cell, ...gated, unitForgetBias: flag };
const { activityRegularizer: _, ...planar } = filters(2);
const convLstm = { ...planar, ...lstm };
const overTime = {
  returnSequences: flag,
  returnState: refused('the layers of a recipe hand on one tensor'),
  goBackwards: flag,
  stateful: refused('each step draws other examples'),
  unroll: flag,
  inputDim: refused('write inputShape'),
  inputLength: refused('write inputShape'),
};
const own = { cell: refused('this layer has a cell of its own; write rnn: { cell: … }') };
const drawn = { seed: refused("the recipe's seed draws it, anew at each step") };
const normal = { epsilon: v.atLeastZero.optional(), center: flag, scale: flag };
const pool1 = pool(1);
const pool2 = { ...pool(2), ...v.dataFormat };
const pool3 = { ...pool(3), ...v.dataFormat };
/** Those that wrap are given what they wrap by the schema, which is recursive. */
const wrapped = z.unknown();

/** What each layer takes. */
export const layerTable: Table = {
  elu: { alpha: number.optional() },
  reLU: { maxValue: v.atLeastZero.optional() },
  leakyReLU: { alpha: number.optional() },
  prelu: { ...weight('alpha'), sharedAxes: v.axes.optional() },
  softmax: { axis: v.axes.optional() },
  thresholdedReLU: { theta: number.optional() },
  conv1d: filters(1),
  conv2d: filters(2),
  conv3d: filters(3),
  conv2dTranspose: { ...filters(2), ...undilated },
  conv3dTranspose: { ...filters(3), ...undilated },
  separableConv2d: {
    ...filters(2),
    ...noKernel,
    depthMultiplier: count.optional(),
    ...weight('depthwise'),
    ...weight('pointwise'),
  },
  depthwiseConv2d: {
    ...conv(2),
    ...undilated,
    ...noKernel,
    depthMultiplier: count.optional(),
    ...weight('depthwise'),
  },
  cropping2D: { cropping: v.margins, ...v.dataFormat },
  upSampling2d: {
    size: z.array(count).length(2).optional(),
    ...v.dataFormat,
    interpolation: v.interpolation,
  },
  zeroPadding2d: { padding: v.margins.optional(), ...v.dataFormat },
  activation: { activation: oneOf },
  dense: {
    units: count,
    activation,
    ...weight('kernel'),
    ...bias,
    ...activity,
    inputDim: refused('write inputShape'),
  },
  dropout: { rate: v.share, noiseShape: z.array(count.nullable()).optional(), ...drawn },
  spatialDropout1d: { rate: v.share, ...drawn },
  gaussianNoise: { stddev: v.atLeastZero },
  gaussianDropout: { rate: v.share },
  alphaDropout: { rate: v.share, noiseShape: z.array(count).optional() },
  flatten: v.dataFormat,
  repeatVector: { n: count },
  reshape: { targetShape: z.array(z.union([count, z.literal(-1)])).min(1) },
  permute: { dims: z.array(count).min(1) },
  masking: { maskValue: number.optional() },
  embedding: {
    inputDim: count,
    outputDim: count,
    ...weight('embeddings'),
    ...activity,
    maskZero: flag,
    inputLength: z.union([count, z.array(count).min(1)]).optional(),
  },
  batchNormalization: {
    axis: whole.optional(),
    momentum: v.momentum.optional(),
    ...normal,
    ...weight('beta'),
    ...weight('gamma'),
    movingMeanInitializer: aInitializer,
    movingVarianceInitializer: aInitializer,
  },
  layerNormalization: {
    axis: v.axes.optional(),
    ...normal,
    betaInitializer: aInitializer,
    gammaInitializer: aInitializer,
    betaRegularizer: aRegularizer,
    gammaRegularizer: aRegularizer,
  },
  averagePooling1d: pool1,
  avgPool1d: pool1,
  avgPooling1d: pool1,
  maxPooling1d: pool1,
  maxPool1d: pool1,
  averagePooling2d: pool2,
  avgPool2d: pool2,
  avgPooling2d: pool2,
  maxPooling2d: pool2,
  maxPool2d: pool2,
  averagePooling3d: pool3,
  avgPool3d: pool3,
  avgPooling3d: pool3,
  maxPooling3d: pool3,
  globalAveragePooling1d: {},
  globalMaxPooling1d: {},
  globalMaxPool1d: {},
  globalAveragePooling2d: v.dataFormat,
  globalMaxPooling2d: v.dataFormat,
  globalMaxPool2d: v.dataFormat,
  simpleRNN: { units: count, ...cell, ...overTime, ...own },
  gru: { ...gru, ...overTime, ...own },
  lstm: { units: count, ...lstm, ...overTime, ...own },
  convLstm2d: { ...convLstm, ...overTime, ...own },
  rnn: { cell: wrapped, ...overTime },
  simpleRNNCell: { units: count, ...cell },
  gruCell: { ...gru, resetAfter: refused('TF.js 4.22 has no such cell') },
  lstmCell: { units: count, ...lstm },
  convLstm2dCell: convLstm,
  stackedRNNCells: { cells: wrapped },
  bidirectional: { layer: wrapped, mergeMode: z.enum(['concat', 'sum', 'mul', 'ave']).optional() },
  timeDistributed: { layer: wrapped },
  rescaling: { scale: number, offset: number.optional() },
  centerCrop: { height: count, width: count },
  resizing: { height: count, width: count, interpolation: v.interpolation, cropToAspectRatio: flag },
  categoryEncoding: { numTokens: count, outputMode: z.enum(['oneHot', 'multiHot', 'count']).optional() },
  randomWidth: {
    factor: z.union([number, z.array(number).length(2)]),
    interpolation: v.interpolation,
    ...drawn,
    autoVectorize: refused('TF.js does not look at it'),
  },
  add: {},
  average: {},
  concatenate: { axis: whole.optional() },
  dot: { axes: v.axes, normalize: flag },
  maximum: {},
  minimum: {},
  multiply: {},
};
