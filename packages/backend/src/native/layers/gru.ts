import * as tf from '@tensorflow/tfjs-core';
import { replaceCall } from './replace-call.js';

interface Variable {
  read(): tf.Tensor;
}

interface Activation {
  getClassName(): string;
}

/** The part of TF.js's layer that we use. */
interface Gru {
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly stateful: boolean;
  readonly cell: {
    readonly units: number;
    readonly activation: Activation;
    readonly recurrentActivation: Activation;
    readonly dropout: number;
    readonly recurrentDropout: number;
    readonly kernel: Variable;
    readonly recurrentKernel: Variable;
    readonly bias: Variable | null;
  };
}

/** The kernel for a layer's function of its gates. */
const KERNELS: Readonly<Record<string, string>> = { sigmoid: 'EspalierGru', hardSigmoid: 'EspalierHardGru' };

/**
 * A GRU layer by two matrix products and one kernel for the whole sequence, where the backend has that: TF.js takes it step by
 * step, in forty ops each. Layers with dropout, masks, given or kept states, and other activations are left to TF.js. The same
 * numbers to float tolerance.
 */
export function improveGru(): void {
  replaceCall<Gru>('GRU', (layer, x, { mask, initialState, training }) => {
    const { cell, stateful, returnState } = layer;
    const kernelName = KERNELS[cell.recurrentActivation.getClassName()];
    if (kernelName === undefined || cell.activation.getClassName() !== 'tanh') return undefined;
    if (!tf.getKernel(kernelName, tf.getBackend()) || x.dtype !== 'float32' || x.size === 0) return undefined;
    if (mask != null || initialState != null || stateful || returnState) return undefined;
    if (training && (cell.dropout > 0 || cell.recurrentDropout > 0)) return undefined;
    const [batch, time, channels] = x.shape;
    const { units, bias } = cell;
    const rows = tf.reshape(layer.goBackwards ? tf.reverse(x, 1) : x, [batch * time, channels]);
    const brought = tf.matMul(rows as tf.Tensor2D, cell.kernel.read() as tf.Tensor2D);
    const sums = tf.reshape(bias ? tf.add(brought, bias.read()) : brought, [batch, time, 3 * units]);
    const made = tf.engine().runKernel(kernelName, { x: sums, u: cell.recurrentKernel.read() });
    const [states] = made as unknown as tf.Tensor[];
    if (layer.returnSequences) return states;
    return tf.reshape(tf.slice(states, [0, time - 1, 0], [batch, 1, units]), [batch, units]);
  });
}
