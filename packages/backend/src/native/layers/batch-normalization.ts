import * as tf from '@tensorflow/tfjs-core';
import { replaceCall } from './replace-call.js';

interface Variable {
  read(): tf.Tensor;
  write(value: tf.Tensor): void;
}

/** The part of TF.js's layer that we use. */
interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Variable;
  readonly beta?: Variable;
  readonly movingMean: Variable;
  readonly movingVariance: Variable;
}

/**
 * Batch normalisation in training by one kernel, and one for its gradient, where the backend has them: TF.js takes moments,
 * normalises, and goes back through both, which is fifty ops. The same numbers to float tolerance.
 */
export function improveBatchNormalization(): void {
  replaceCall<BatchNormalization>('BatchNormalization', (layer, x, { training }) => {
    const { gamma, beta, epsilon, momentum } = layer;
    const last = layer.axis === -1 || layer.axis === x.rank - 1;
    if (!training || !gamma || !beta || !last || x.rank < 2 || x.rank > 4 || x.size === 0) return undefined;
    if (x.dtype !== 'float32' || !tf.getKernel('FusedBatchNormV3', tf.getBackend())) return undefined;
    const inputs = { x, scale: gamma.read(), offset: beta.read() };
    const made = tf.engine().runKernel('FusedBatchNormV3', inputs, { epsilon, training: true });
    const [y, mean, variance] = made as unknown as tf.Tensor[];
    for (const [variable, value] of [
      [layer.movingMean, mean],
      [layer.movingVariance, variance],
    ] as const) {
      const before = variable.read();
      variable.write(tf.sub(before, tf.mul(tf.sub(before, value), 1 - momentum)));
    }
    return y;
  });
}
