import { WIDTH } from '../numbers.js';

/*
 * The frozen texts that prime the text models: part of the format, never to be changed. They are what TF.js writes for a
 * dense network; for the small form, for a convolutional one after it: LeNet-5, in the first small form one like it, in the third
 * without the sizes that its tensors have.
 */
type Config = Record<string, unknown>;

const layer = (class_name: string, config: Config): object => ({ class_name, config });

const kernel_initializer: object = layer('VarianceScaling', {
  scale: 1,
  mode: 'fan_avg',
  distribution: 'normal',
  seed: null,
});
const bias_initializer: object = layer('Zeros', {});

const dense = (units: unknown, activation: string, name: string, more?: Config): object =>
  layer('Dense', {
    units,
    activation,
    use_bias: true,
    kernel_initializer,
    bias_initializer,
    kernel_regularizer: null,
    bias_regularizer: null,
    activity_regularizer: null,
    kernel_constraint: null,
    bias_constraint: null,
    name,
    trainable: true,
    ...more,
  });

const conv = (filters: unknown, activation: string, name: string, more?: Config): object =>
  layer('Conv2D', {
    filters,
    kernel_initializer,
    kernel_regularizer: null,
    kernel_constraint: null,
    kernel_size: [5, 5],
    strides: [1, 1],
    padding: 'valid',
    data_format: 'channels_last',
    dilation_rate: [1, 1],
    activation,
    use_bias: true,
    bias_initializer,
    bias_regularizer: null,
    activity_regularizer: null,
    bias_constraint: null,
    name,
    trainable: true,
    ...more,
  });

const pool = (name: string): object =>
  layer('MaxPooling2D', {
    pool_size: [2, 2],
    padding: 'valid',
    strides: [2, 2],
    data_format: 'channels_last',
    name,
    trainable: true,
  });

/** A list of artifacts and names, as the text of a file has it. */
const textOf = (layers: readonly object[], names: readonly string[], name = 'sequential_1'): string =>
  JSON.stringify([
    {
      modelTopology: {
        class_name: 'Sequential',
        config: { name, layers },
        keras_version: 'tfjs-layers 4.22.0',
        backend: 'tensor_flow.js',
      },
      format: 'layers-model',
      generatedBy: 'TensorFlow.js tfjs-layers v4.22.0',
      convertedBy: null,
    },
    ...names.flatMap((name) => [`${name}/kernel`, `${name}/bias`]),
  ]);

/** The text, as the bytes of ASCII. `form`: 0 of the text, 1 of the small form as it was first, 2 as it was then, 3 of the small form. */
export function primer(form = 0): Uint8Array {
  const names = ['dense_Dense1', 'dense_Dense2', 'dense_Dense3'];
  const [first, second, third] = names;
  const text = textOf(
    [
      dense(300, 'relu', first, { batch_input_shape: [null, 784], dtype: 'float32' }),
      dense(100, 'relu', second),
      dense(10, 'softmax', third),
    ],
    names,
  );
  const width = (size: number): unknown => (form > 2 ? WIDTH : size);
  const more = (): string =>
    textOf(
      [
        conv(width(20), form === 2 ? 'linear' : 'relu', 'conv1', {
          batch_input_shape: [null, 28, 28, 1],
          dtype: 'float32',
        }),
        pool('pool1'),
        conv(width(50), form > 2 ? 'relu' : 'linear', 'conv2'),
        pool('pool2'),
        layer('Flatten', { name: 'flatten', trainable: true }),
        dense(width(100), 'relu', 'fc1'),
        dense(width(10), 'softmax', 'fc2'),
      ],
      ['conv1', 'conv2', 'fc1', 'fc2'],
      form > 1 ? 'lenet-5' : 'sequential_1',
    );
  return new TextEncoder().encode(form ? text + more() : text);
}
