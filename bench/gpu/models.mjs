import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/**
 * The nets of the benchmark, with weights that are the same each time and on every backend: seeded initializers
 * draw on the CPU.
 */
function seeds() {
  let seed = 0;
  return {
    glorot: () => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed: ++seed }) }),
    he: () => ({ kernelInitializer: tfl.initializers.heNormal({ seed: ++seed }) }),
  };
}

function mlp() {
  const { glorot } = seeds();
  return tfl.sequential({
    layers: [
      tfl.layers.dense({ units: 300, activation: 'relu', inputShape: [784], ...glorot() }),
      tfl.layers.dense({ units: 100, activation: 'relu', ...glorot() }),
      tfl.layers.dense({ units: 10, activation: 'softmax', ...glorot() }),
    ],
  });
}

/** LeNet-5 as Caffe has it, 20-50-500. */
function lenet5() {
  const { glorot } = seeds();
  return tfl.sequential({
    layers: [
      tfl.layers.conv2d({ filters: 20, kernelSize: 5, inputShape: [28, 28, 1], ...glorot() }),
      tfl.layers.maxPooling2d({ poolSize: 2, strides: 2 }),
      tfl.layers.conv2d({ filters: 50, kernelSize: 5, ...glorot() }),
      tfl.layers.maxPooling2d({ poolSize: 2, strides: 2 }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 500, activation: 'relu', ...glorot() }),
      tfl.layers.dense({ units: 10, activation: 'softmax', ...glorot() }),
    ],
  });
}

/** The runner's resnet-8: a strided stem, three blocks of 16, 32 and 64 filters. */
function resnet8() {
  const { glorot, he } = seeds();
  const conv = (x, filters, kernelSize, strides, relu = true) => {
    const config = { filters, kernelSize, strides, padding: 'same', useBias: false, ...he() };
    const y = tfl.layers.conv2d(config).apply(x);
    const normal = tfl.layers.batchNormalization({ momentum: 0.9 }).apply(y);
    return relu ? tfl.layers.reLU().apply(normal) : normal;
  };
  const block = (x, filters, strides) => {
    const outer = conv(conv(x, filters, 3, strides), filters, 3, 1, false);
    const shortcut = strides === 1 && x.shape[3] === filters ? x : conv(x, filters, 1, strides, false);
    return tfl.layers.reLU().apply(tfl.layers.add().apply([outer, shortcut]));
  };
  const inputs = tfl.input({ shape: [28, 28, 1] });
  let y = conv(inputs, 16, 3, 2);
  for (const [filters, strides] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ])
    y = block(y, filters, strides);
  y = tfl.layers.globalAveragePooling2d({}).apply(y);
  const outputs = tfl.layers.dense({ units: 10, activation: 'softmax', ...glorot() }).apply(y);
  return tfl.model({ inputs, outputs });
}

/** The VGG-like net of examples/bayesian-compression. */
function vgg() {
  const { glorot, he } = seeds();
  const layers = [];
  for (const [i, filters] of [64, 64, 128, 128, 256, 256].entries()) {
    const first = i === 0 && { strides: 2, inputShape: [28, 28, 1] };
    const config = { filters, kernelSize: 3, padding: 'same', useBias: false, ...first, ...he() };
    layers.push(tfl.layers.conv2d(config), tfl.layers.batchNormalization(), tfl.layers.reLU());
    if (i % 2 === 1) layers.push(tfl.layers.maxPooling2d({ poolSize: 2 }));
  }
  layers.push(tfl.layers.flatten());
  layers.push(tfl.layers.dense({ units: 128, activation: 'relu', ...glorot() }));
  layers.push(tfl.layers.dense({ units: 10, activation: 'softmax', ...glorot() }));
  return tfl.sequential({ layers });
}

export const MODELS = { mlp, lenet5, resnet8, vgg };

/** Examples that can be learned: a pattern for each of ten classes, under noise. The same each time. */
export function examples(count, shape) {
  let state = 7;
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const size = shape.reduce((a, b) => a * b, 1);
  const patterns = Array.from({ length: 10 }, () => Float32Array.from({ length: size }, draw));
  const inputs = new Float32Array(count * size);
  const classes = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    classes[i] = Math.floor(draw() * 10);
    const pattern = patterns[classes[i]];
    for (let j = 0; j < size; j++) inputs[i * size + j] = 0.5 * pattern[j] + 0.5 * draw();
  }
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(classes, 'int32'), 10), 'float32'));
  return { x: tf.tensor(inputs, [count, ...shape]), y: labels };
}
