import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';

type T = SymbolicTensor;

const kernelInitializer = 'heNormal';

/** Convolution without bias, batch normalisation and, unless a sum follows, ReLU. */
function conv(x: T, name: string, filters: number, kernelSize: number, strides: number, relu = true): T {
  const config = {
    filters,
    kernelSize,
    strides,
    padding: 'same',
    useBias: false,
    kernelInitializer,
  } as const;
  let y = layers.conv2d({ name, ...config }).apply(x) as T;
  y = layers.batchNormalization({ name: `${name}_bn`, momentum: 0.9 }).apply(y) as T;
  return relu ? (layers.reLU({ name: `${name}_relu` }).apply(y) as T) : y;
}

/** Two 3 × 3 convolutions and a shortcut around them, by a 1 × 1 convolution where the size changes. */
function block(x: T, name: string, filters: number, strides: number): T {
  const inner = conv(x, `${name}_conv1`, filters, 3, strides);
  const outer = conv(inner, `${name}_conv2`, filters, 3, 1, false);
  const same = strides === 1 && x.shape[3] === filters;
  const shortcut = same ? x : conv(x, `${name}_shortcut`, filters, 1, strides, false);
  const sum = layers.add({ name: `${name}_add` }).apply([outer, shortcut]) as T;
  return layers.reLU({ name: `${name}_relu` }).apply(sum) as T;
}

/**
 * A small residual network (He et al. 2016) for pictures of about 28 × 28: a strided stem, three blocks of 16, 32
 * and 64 filters, average pooling, softmax. 78,426 weights (statistics included) for one input channel.
 */
export function resnet8(name: string, inputShape: readonly number[]): LayersModel {
  const x = input({ shape: [...inputShape], name: 'image' });
  let y = conv(x, 'stem', 16, 3, 2);
  y = block(y, 'block1', 16, 1);
  y = block(y, 'block2', 32, 2);
  y = block(y, 'block3', 64, 2);
  y = layers.globalAveragePooling2d({ name: 'pool' }).apply(y) as T;
  const outputs = layers.dense({ name: 'fc', units: 10, activation: 'softmax' }).apply(y) as T;
  return model({ inputs: x, outputs, name });
}
