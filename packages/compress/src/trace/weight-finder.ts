import type * as tf from '@tensorflow/tfjs-core';
import type { KernelCall } from '../model/intercept.js';

/** Finds weights in kernel calls, also behind a reshape or a copy. */
export class WeightFinder {
  readonly #names = new Map<object, string>();

  /** @param twins - Names of weights that count as another one. */
  constructor(weights: ReadonlyMap<string, tf.Tensor>, twins: ReadonlyMap<string, string>) {
    for (const [name, tensor] of weights) this.#names.set(tensor.dataId, twins.get(name) ?? name);
  }

  name(tensor: tf.Tensor | undefined): string | undefined {
    return tensor && this.#names.get(tensor.dataId);
  }

  /** Follows a weight through operations that leave its elements where they are. */
  follow({ kernel, inputs, attrs }: KernelCall, [output]: readonly tf.Tensor[]): void {
    const name = this.name(inputs.x);
    if (name === undefined || output === undefined) return;
    const still =
      kernel === 'Identity' ||
      kernel === 'Reshape' ||
      kernel === 'Cast' ||
      (kernel === 'Transpose' && (attrs.perm as number[]).every((axis, i) => axis === i));
    if (still && output.dtype === 'float32') this.#names.set(output.dataId, name);
  }
}
