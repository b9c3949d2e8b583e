import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { examples, MODELS } from '../gpu/models.mjs';

const glorot = (seed) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });

/** LeNet-5 with 20 and 50 filters, ReLU after each convolution. */
function lenet5() {
  const conv = (filters, seed, more) =>
    tfl.layers.conv2d({ filters, kernelSize: 5, activation: 'relu', ...glorot(seed), ...more });
  return tfl.sequential({
    layers: [
      conv(20, 1, { inputShape: [28, 28, 1] }),
      tfl.layers.maxPooling2d({ poolSize: 2 }),
      conv(50, 2),
      tfl.layers.maxPooling2d({ poolSize: 2 }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 500, activation: 'relu', ...glorot(3) }),
      tfl.layers.dense({ units: 10, activation: 'softmax', ...glorot(4) }),
    ],
  });
}

const [length, characters] = [50, 83];

/** The network of examples/char-rnn. */
function gru() {
  const seeds = { ...glorot(2), recurrentInitializer: tfl.initializers.glorotUniform({ seed: 3 }) };
  const gates = { units: 128, returnSequences: true, recurrentActivation: 'sigmoid', ...seeds };
  return tfl.sequential({
    layers: [
      tfl.layers.embedding({ inputDim: characters, outputDim: 32, inputLength: length }),
      tfl.layers.gru(gates),
      tfl.layers.dense({ units: characters, activation: 'softmax', ...glorot(4) }),
    ],
  });
}

/** Expansion, filters, blocks, strides of the first block: table 2 of Sandler et al. 2018. */
const INVERTED = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** MobileNet v2 of width 1 for pictures of 96 x 96, with a head of ten classes, all of it trained. */
function mobilenet() {
  let seed = 0;
  const normal = (x, active = true) => {
    const y = tfl.layers.batchNormalization({}).apply(x);
    return active ? tfl.layers.reLU({ maxValue: 6 }).apply(y) : y;
  };
  const plain = { padding: 'same', useBias: false };
  const conv = (x, filters, kernelSize = 1, strides = 1) =>
    tfl.layers.conv2d({ filters, kernelSize, strides, ...plain, ...glorot(++seed) }).apply(x);
  const depthwise = (x, strides) => {
    const depthwiseInitializer = tfl.initializers.glorotUniform({ seed: ++seed });
    return tfl.layers.depthwiseConv2d({ kernelSize: 3, strides, depthwiseInitializer, ...plain }).apply(x);
  };
  const inputs = tfl.input({ shape: [96, 96, 3] });
  let y = normal(conv(inputs, 32, 3, 2));
  for (const [expansion, filters, blocks, first] of INVERTED) {
    for (let i = 0; i < blocks; i++) {
      const strides = i === 0 ? first : 1;
      const channels = y.shape[3];
      const wide = expansion === 1 ? y : normal(conv(y, channels * expansion));
      const narrow = normal(conv(normal(depthwise(wide, strides)), filters), false);
      y = strides === 1 && channels === filters ? tfl.layers.add().apply([y, narrow]) : narrow;
    }
  }
  y = tfl.layers.globalAveragePooling2d({}).apply(normal(conv(y, 1280)));
  const outputs = tfl.layers.dense({ units: 10, activation: 'softmax', ...glorot(++seed) }).apply(y);
  return tfl.model({ inputs, outputs });
}

/** The nets that `training-speed.mjs` trains; `torch_steps.py` has the same ones. */
export const NETS = { mlp: MODELS.mlp, lenet5, resnet8: MODELS.resnet8, vgg: MODELS.vgg, gru, mobilenet };

/** Steps of a turn, so that one takes about half a second on the native backend. */
export const STEPS = { mlp: 100, lenet5: 12, resnet8: 12, vgg: 2, gru: 6, mobilenet: 2 };

/** Examples of a step. */
export const batchSizeOf = (name) => (name === 'mobilenet' ? 32 : 128);

/** A batch that can be learned, the same each time. */
export function batchOf(name, batch, model) {
  if (name !== 'gru') return examples(batch, model.inputs[0].shape.slice(1));
  const text = Float32Array.from({ length: batch * length }, (_, i) => (i * i + (i >> 3)) % characters);
  return tf.tidy(() => {
    const x = tf.tensor2d(text, [batch, length]);
    return { x, y: tf.cast(tf.oneHot(tf.cast(x, 'int32'), characters), 'float32') };
  });
}
