import * as tf from '@tensorflow/tfjs-core';
import { nativeBackend } from './ops.js';

const NAMES = ['EspalierGru', 'EspalierHardGru'] as const;

/**
 * Registers our ops for a whole sequence through a gated recurrent unit (addon/gru-ops.cc) as kernels with a gradient, where
 * the addon has them: inputs `x` [batch, time, 3 units], what the inputs bring to the gates z, r and the candidate, and `u`
 * [units, 3 units]; outputs the states of all times [batch, time, units], from zeros on, and the gates. `EspalierHardGru`
 * has TF.js's hardSigmoid.
 *
 * @returns whether they are in use
 */
export function registerGru(): boolean {
  const backend = nativeBackend();
  if (tf.getKernel(NAMES[0], 'tensorflow')) return true;
  if (backend.isUsingGpuDevice || !hasOps()) return false;
  for (const name of NAMES) {
    for (const [kernelName, order] of [
      [name, ['x', 'u']],
      [`${name}Grad`, ['dy', 'u', 'h', 'gates']],
    ] as const) {
      tf.registerKernel({
        kernelName,
        backendName: 'tensorflow',
        kernelFunc: ({ inputs }) => {
          const given = order.map((input) => inputs[input] as tf.TensorInfo);
          return nativeBackend().executeMultipleOutputs(kernelName, [], given, 2);
        },
      });
    }
    tf.registerGradient({
      kernelName: name,
      inputsToSave: ['u'],
      outputsToSave: [true, true],
      gradFunc: (dys, [u, h, gates]) => {
        const [dy] = dys as tf.Tensor[]; // Nobody else is given the gates.
        const made = tf.engine().runKernel(`${name}Grad`, { dy, u, h, gates });
        const [dx, du] = made as unknown as tf.Tensor[];
        return { x: () => dx, u: () => du };
      },
    });
  }
  return true;
}

/** Whether the addon was compiled with them, and they answer: half of the candidate tanh 1 is kept. */
function hasOps(): boolean {
  return tf.tidy(() => {
    try {
      const inputs = [tf.tensor3d([0, 0, 1], [1, 1, 3]), tf.zeros([1, 3])];
      const [h] = nativeBackend().executeMultipleOutputs(NAMES[0], [], inputs, 2);
      return Math.abs(h.dataSync()[0] - Math.tanh(1) / 2) < 1e-5;
    } catch {
      return false;
    }
  });
}
