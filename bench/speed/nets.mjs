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

/** The nets that `training-speed.mjs` trains; `torch_steps.py` has the same ones. */
export const NETS = { mlp: MODELS.mlp, lenet5, resnet8: MODELS.resnet8, vgg: MODELS.vgg, gru };

/** Steps of a turn, so that one takes about half a second on the native backend. */
export const STEPS = { mlp: 100, lenet5: 12, resnet8: 12, vgg: 2, gru: 6 };

/** A batch that can be learned, the same each time. */
export function batchOf(name, batch, model) {
  if (name !== 'gru') return examples(batch, model.inputs[0].shape.slice(1));
  const text = Float32Array.from({ length: batch * length }, (_, i) => (i * i + (i >> 3)) % characters);
  return tf.tidy(() => {
    const x = tf.tensor2d(text, [batch, length]);
    return { x, y: tf.cast(tf.oneHot(tf.cast(x, 'int32'), characters), 'float32') };
  });
}
