import { describe, expect, it } from 'vitest';
import { decodeText } from '../src/text.js';
import { encodeText } from '../src/text-encode.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('text', () => {
  const topology = (units: number[], prefix: string): string =>
    JSON.stringify([
      {
        modelTopology: {
          class_name: 'Sequential',
          config: {
            name: 'sequential_1',
            layers: units.map((n, i) => ({
              class_name: 'Dense',
              config: {
                units: n,
                activation: i < units.length - 1 ? 'relu' : 'softmax',
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
                name: `${prefix}${i + 1}`,
                trainable: true,
                ...(i === 0 ? { batch_input_shape: [null, 784], dtype: 'float32' } : {}),
              },
            })),
          },
          keras_version: 'tfjs-layers 4.22.0',
          backend: 'tensor_flow.js',
        },
        format: 'layers-model',
        generatedBy: 'TensorFlow.js tfjs-layers v4.22.0',
        convertedBy: null,
      },
      ...units.flatMap((_, i) => [`${prefix}${i + 1}/kernel`, `${prefix}${i + 1}/bias`]),
    ]);

  it('takes a small topology and its names down to a few dozen bytes', () => {
    for (const [units, prefix] of [
      [[300, 100, 10], 'dense_Dense'],
      [[512, 256, 128, 7], 'fc'],
    ] as const) {
      const text = utf8(topology([...units], prefix));
      const coded = encodeText(text);
      expect(coded.length).toBeLessThan(prefix === 'fc' ? 100 : 30);
      expect(decodeText(coded, 0, coded.length, text.length)).toEqual(
        JSON.parse(topology([...units], prefix)),
      );
    }
  });
});
