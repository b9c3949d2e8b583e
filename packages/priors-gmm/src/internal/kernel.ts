import * as tf from '@tensorflow/tfjs-core';

/**
 * The name of the kernel that sees every weight. A backend that has it registers it under this name with TF.js:
 * `@espalier/backend` for the native one (C++) and WebGPU (WGSL), `host-kernels.ts` where a backend's memory is
 * JavaScript's (cpu, wasm). Elsewhere `plain.ts` does the same by TF.js's own ops.
 *
 * Inputs, all float32: `means`, `offsets` (log π + γ/2 - log(2π)/2) and `precisions` of the components, `[J]` each;
 * `held`, `[]`, how many weights are 0 because they are pruned, to be left out of the sums; `scale`, `[]`;
 * `w0`, `w1`, … the weights, of any shapes. Outputs: the sums, `[2 + 3 J]`: Σ -log p, the number of weights of which
 * component 0 takes most responsibility, Σ r, Σ r (w - μ), Σ r (w - μ)²; then scale · Σ r λ (w - μ) of each tensor of weights.
 */
export const kernelName = 'EspalierMixture';

/** What the kernel knows of a mixture. */
export interface Components {
  readonly means: tf.Tensor1D;
  readonly offsets: tf.Tensor1D;
  readonly precisions: tf.Tensor1D;
}

/** What the kernel tells. */
export interface Statistics {
  readonly sums: tf.Tensor1D;
  readonly slopes: readonly tf.Tensor[];
}

/** Whether the current backend has it. */
export function hasKernel(): boolean {
  return tf.getKernel(kernelName, tf.getBackend()) !== undefined;
}

export function runKernel(
  components: Components,
  weights: readonly tf.Tensor[],
  held: tf.Scalar,
  scale: tf.Scalar,
): Statistics {
  const named = Object.fromEntries(weights.map((w, i) => [`w${i}`, w]));
  const inputs = { ...components, held, scale, ...named };
  const outputs = tf.engine().runKernel(kernelName, inputs) as unknown as tf.Tensor[];
  return { sums: outputs[0] as tf.Tensor1D, slopes: outputs.slice(1) };
}
