import * as tf from '@tensorflow/tfjs-core';

/**
 * Whether the current backend has a kernel of ours, as the native one and WebGPU of `@espalier/backend`. Their names
 * and what they do: `Espalier(Scale|Output)Noise(Grad)` in `draw-dense.ts`, `EspalierGaussian(Energy|Slopes)` in
 * `gaussian-kl.ts`, `EspalierPosterior(Sums|Slopes)` in `layer-kl-ops.ts`, `Espalier(Jeffreys|Horseshoe)Kl` in
 * `scale-kl.ts`. Where they are not, TF.js's own ops do the same.
 */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs one of them. */
export function runKernel(name: string, inputs: tf.NamedTensorMap): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs) as unknown as tf.Tensor[];
}
