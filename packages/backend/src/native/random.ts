import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../error.js';
import { attributes, nativeBackend } from './ops.js';

/** Two whole numbers of 32 bits each. The same pair gives the same numbers, whatever was drawn before. */
export type RandomSeed = readonly [number, number];

type Distribution = 'Normal' | 'Uniform';

/**
 * Registers TensorFlow's counter-based generators as kernels of the native backend, under their own names
 * `StatelessRandomNormal` and `StatelessRandomUniform`, with the attributes `shape` and `seed` (a `RandomSeed`), which
 * may be an input instead, [2] of int32: float32 out.
 */
export function registerRandom(): void {
  for (const distribution of ['Normal', 'Uniform'] as const) {
    const kernelName = `StatelessRandom${distribution}`;
    if (tf.getKernel(kernelName, 'tensorflow')) continue;
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ attrs, inputs: given }) => {
        const { shape, seed } = attrs as unknown as { shape: number[]; seed?: RandomSeed };
        const backend = nativeBackend();
        const make = attributes(backend.binding);
        const op = [make.type('dtype', 'float32'), make.type('T', 'int32'), make.type('Tseed', 'int32')];
        const size = tf.tensor1d(shape, 'int32');
        const own = seed && tf.tensor1d([...seed], 'int32');
        const result = backend.executeSingleOutput(kernelName, op, [size, own ?? given.seed!]);
        tf.dispose([size, own]);
        return result;
      },
    });
  }
}

/**
 * Standard normal numbers from a seed that says all: no generator state is kept, so a run resumes exactly by
 * counting its draws. On the native backend by TensorFlow's Philox generator (0.9 ms for 100,000 numbers), on WebGPU by
 * one of ours, elsewhere by TF.js's own; the numbers differ from backend to backend.
 *
 * @throws BackendError `kernel` for a seed that is not two 32-bit whole numbers
 *
 * @example
 * ```ts
 * import { startBackend, statelessNormal } from '@espalier/backend';
 * await startBackend({ prefer: 'cpu' });
 * const [a, b] = [statelessNormal([3], [1, 2]).dataSync(), statelessNormal([3], [1, 2]).dataSync()];
 * if (a.join() !== b.join()) throw new Error('not reproducible');
 * ```
 */
export function statelessNormal(shape: readonly number[], seed: RandomSeed): tf.Tensor {
  return draw('Normal', shape, seed);
}

/**
 * Uniform numbers in [0, 1) from a seed that says all; see `statelessNormal`.
 *
 * @throws BackendError `kernel` for a seed that is not two 32-bit whole numbers
 *
 * @example
 * ```ts
 * import { registerNativeTraining, registerWebgpuTraining, startBackend, statelessUniform } from '@espalier/backend';
 * const { name } = await startBackend({ prefer: 'cpu' });
 * if (name === 'native') registerNativeTraining(); // startBackend does it for the backends that it starts
 * if (name === 'webgpu') registerWebgpuTraining();
 * const values = statelessUniform([100], [1, 2]).dataSync();
 * if (!values.every((value) => value >= 0 && value < 1)) throw new Error('unexpected');
 * ```
 */
export function statelessUniform(shape: readonly number[], seed: RandomSeed): tf.Tensor {
  return draw('Uniform', shape, seed);
}

function draw(distribution: Distribution, shape: readonly number[], seed: RandomSeed): tf.Tensor {
  if (seed.length !== 2 || seed.some((half) => half !== (half | 0))) {
    throw new BackendError('kernel', `the seed is [${seed}]`, 'Give two whole numbers of 32 bits (x | 0).');
  }
  const kernelName = `StatelessRandom${distribution}`;
  if (tf.getKernel(kernelName, tf.getBackend())) {
    return tf.engine().runKernel(kernelName, {}, { shape: [...shape], seed: [...seed] }) as tf.Tensor;
  }
  const mixed = Math.imul(seed[0], 0x9e3779b1) ^ seed[1]; // TF.js takes one number.
  return distribution === 'Normal'
    ? tf.randomNormal([...shape], 0, 1, 'float32', mixed)
    : tf.randomUniform([...shape], 0, 1, 'float32', mixed);
}
