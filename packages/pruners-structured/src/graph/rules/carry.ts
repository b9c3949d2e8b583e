import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { activate, type Flow, isSoftmax, known, mapConstants, unknown } from '../flow.js';
import { nameOf } from '../places.js';
import type { Rule, Site } from '../trace.js';
import { channelsLast, closed, refuse } from './opaque.js';

const call = ({ layer }: Site, x: Tensor): Tensor =>
  (layer as unknown as { call(x: Tensor, kwargs: object): Tensor }).call(x, { training: false });

const through = (site: Site, { atoms }: Flow, constants: Float64Array): readonly Flow[] => [
  { shape: site.outputShapes[0], atoms, constants },
];

/** Channels pass, and with them their constants: pooling, cropping, dropout at inference, … */
const pass: Rule = (site, [input]) => through(site, input, input.constants);

/** A function of each number by itself. */
const elementwise: Rule = (site, [input], trace) =>
  through(
    site,
    input,
    mapConstants(input.constants, trace.ask, (x) => call(site, x)),
  );

const activation: Rule = (site, [input], trace) => {
  if (isSoftmax(site.layer.activation)) {
    trace.atoms.protect(input.atoms, `${nameOf(site.path)} has a softmax over them`);
    return through(site, input, unknown(input.atoms.length));
  }
  return through(site, input, activate(input.constants, trace.ask, site.layer.activation));
};

const softmax: Rule = (site, inputs, trace) => {
  const { axis = -1 } = site.layer;
  const last = inputs[0].shape.length;
  if (axis !== -1 && axis !== last) return closed(site, inputs, trace, 'has a softmax over another axis');
  trace.atoms.protect(inputs[0].atoms, `${nameOf(site.path)} has a softmax over them`);
  return through(site, inputs[0], unknown(inputs[0].atoms.length));
};

/** Zeros at the edges: only a constant 0 stays constant. */
const pad: Rule = (site, [input]) =>
  through(
    site,
    input,
    input.constants.map((c) => (c === 0 ? 0 : Number.NaN)),
  );

/**
 * Batch normalisation as at inference, (x - mean) / √(variance + ε) · scale + offset. A channel whose scale
 * is 0 is constant whatever comes in.
 */
const batchNormalization: Rule = (site, inputs, trace) => {
  const [input] = inputs;
  const { axis = -1 } = site.layer;
  if (axis !== -1 && axis !== input.shape.length) {
    return closed(site, inputs, trace, 'normalises along another axis than the channels');
  }
  for (const name of ['gamma', 'beta', 'moving_mean', 'moving_variance']) {
    const parameter = trace.weight(site, name);
    if (parameter !== undefined) trace.bind(parameter, 0, 'carries', input.atoms);
  }
  if (!trace.values) return through(site, input, input.constants);
  const scale = trace.weight(site, 'gamma');
  const factors = scale === undefined ? undefined : trace.data(scale);
  const constant = input.constants.map((c, i) => (factors?.[i] === 0 ? known(c) : c));
  const shape = [...new Array<number>(input.shape.length).fill(1), constant.length];
  return through(
    site,
    input,
    mapConstants(constant, trace.ask, (x) => call(site, tf.reshape(x, shape))),
  );
};

/** Leaky slopes that are learned, per channel and perhaps per position. */
const prelu: Rule = (site, [input], trace) => {
  const alpha = trace.needed(site, 'alpha');
  const last = alpha.shape.length - 1;
  if (alpha.shape[last] === input.atoms.length && input.atoms.length > 1) {
    trace.bind(alpha, last, 'carries', input.atoms);
  }
  return through(
    site,
    input,
    input.constants.map((c) => (c >= 0 ? c : Number.NaN)),
  );
};

const pooling = Object.fromEntries(
  ['Max', 'Average'].flatMap((kind) => [
    [`${kind}Pooling1D`, pass],
    [`${kind}Pooling2D`, channelsLast(pass)],
    [`${kind}Pooling3D`, channelsLast(pass)],
    [`Global${kind}Pooling1D`, pass],
    [`Global${kind}Pooling2D`, channelsLast(pass)],
  ]),
) as Record<string, Rule>;

export const carriers: Readonly<Record<string, Rule>> = {
  ...pooling,
  Activation: activation,
  Softmax: softmax,
  ReLU: elementwise,
  LeakyReLU: elementwise,
  ELU: elementwise,
  ThresholdedReLU: elementwise,
  PReLU: prelu,
  BatchNormalization: batchNormalization,
  Dropout: pass,
  SpatialDropout1D: pass,
  GaussianNoise: pass,
  GaussianDropout: pass,
  AlphaDropout: pass,
  RepeatVector: pass,
  Cropping2D: channelsLast(pass),
  UpSampling2D: channelsLast(pass),
  Rescaling: elementwise,
  ZeroPadding2D: channelsLast(pad),
  LayerNormalization: refuse('normalises over the channels'),
  Masking: refuse('looks at all channels of a time step'),
  Dot: refuse('multiplies channels with each other'),
  MultiHeadAttention: refuse('attends over the channels'),
};
