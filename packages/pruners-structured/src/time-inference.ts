import { checkOptions, EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

export interface TimingOptions {
  /** Examples per call. Default 1. */
  readonly batchSize?: number;
  /** Measured calls, after two that are not. Default 20. */
  readonly repeats?: number;
  /** Shapes of one example of each input, where the model leaves sizes open. */
  readonly inputShapes?: readonly (readonly number[])[];
}

/** Wall-clock times of `predict`, in milliseconds per call. */
export interface InferenceTime {
  readonly median: number;
  readonly fastest: number;
  readonly batchSize: number;
  /** The TF.js backend that was measured. */
  readonly backend: string;
}

/**
 * Measures how long a model takes, on the backend that is active, with inputs of zeros (integers too); the
 * result is read back, so that nothing is left to run. Compare two models in one process, one after the other.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { timeInference } from '@espalier/pruners-structured';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [2] })] });
 * const { median, backend } = await timeInference(model, { repeats: 3 });
 * if (!(median > 0) || backend !== 'cpu') throw new Error(`${median} ${backend}`);
 * ```
 */
export async function timeInference(model: LayersModel, options: TimingOptions = {}): Promise<InferenceTime> {
  checkOptions('timeInference', options, ['batchSize', 'repeats', 'inputShapes']);
  const { batchSize = 1, repeats = 20, inputShapes } = options;
  for (const [name, value] of Object.entries({ batchSize, repeats })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new EspalierError('invalid-option', `timeInference: ${name} is ${value}.`, {
      remedy: 'Give a whole number >= 1.',
    });
  }
  const inputs = model.inputs.map(({ shape, dtype, name }, i) => {
    const sizes = inputShapes?.[i] ?? shape.slice(1);
    if (sizes.includes(null as never)) {
      throw new EspalierError('invalid-option', `timeInference: the input ${name} has open sizes.`, {
        remedy: 'Give inputShapes, for example [[224, 224, 3]].',
      });
    }
    return tf.zeros([batchSize, ...(sizes as number[])], dtype === 'int32' ? 'int32' : 'float32');
  });
  const times: number[] = [];
  try {
    for (let i = -2; i < repeats; i++) {
      const began = performance.now();
      const outputs = [model.predict(inputs, { batchSize })].flat() as tf.Tensor[];
      for (const output of outputs) await output.data();
      if (i >= 0) times.push(performance.now() - began);
      tf.dispose(outputs);
    }
  } finally {
    tf.dispose(inputs);
  }
  times.sort((a, b) => a - b);
  return { median: times[Math.floor(repeats / 2)], fastest: times[0], batchSize, backend: tf.getBackend() };
}
