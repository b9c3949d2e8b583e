/*
 * The frozen text that primes the text model: part of the format, never to be changed. It is what TF.js writes for a
 * dense network.
 */
const layer = (units: number, activation: string, name: number, more?: object): object => ({
  class_name: 'Dense',
  config: {
    units,
    activation,
    use_bias: true,
    kernel_initializer: {
      class_name: 'VarianceScaling',
      config: { scale: 1, mode: 'fan_avg', distribution: 'normal', seed: null },
    },
    bias_initializer: { class_name: 'Zeros', config: {} },
    kernel_regularizer: null,
    bias_regularizer: null,
    activity_regularizer: null,
    kernel_constraint: null,
    bias_constraint: null,
    name: `dense_Dense${name}`,
    trainable: true,
    ...more,
  },
});

/** The text, as the bytes of ASCII. */
export function primer(): Uint8Array {
  const layers = [
    layer(300, 'relu', 1, { batch_input_shape: [null, 784], dtype: 'float32' }),
    layer(100, 'relu', 2),
    layer(10, 'softmax', 3),
  ];
  const text = JSON.stringify([
    {
      modelTopology: {
        class_name: 'Sequential',
        config: { name: 'sequential_1', layers },
        keras_version: 'tfjs-layers 4.22.0',
        backend: 'tensor_flow.js',
      },
      format: 'layers-model',
      generatedBy: 'TensorFlow.js tfjs-layers v4.22.0',
      convertedBy: null,
    },
    ...[1, 2, 3].flatMap((i) => [`dense_Dense${i}/kernel`, `dense_Dense${i}/bias`]),
  ]);
  return new TextEncoder().encode(text);
}
