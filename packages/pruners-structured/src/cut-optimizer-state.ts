import type { OptimizerState, Parameter } from '@espalier/core';
import type { Thinned } from './thin.js';

/** The entries of an array `[…shape]` at the selected indices of each axis, row-major. */
function cut(values: Float32Array, shape: readonly number[], indices: readonly Int32Array[]): Float32Array {
  const size = indices.reduce((n, list) => n * list.length, 1);
  const result = new Float32Array(size);
  for (let to = 0; to < size; to++) {
    let [rest, from, stride] = [to, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const list = indices[axis];
      from += list[rest % list.length] * stride;
      rest = Math.floor(rest / list.length);
      stride *= shape[axis];
    }
    result[to] = values[from];
  }
  return result;
}

/**
 * An optimizer's state for the thinned model: the slots (momenta) of the weights that stay, so that a training
 * loop of one's own goes on as if nothing had been removed. (Training stages of recipes start with an optimizer
 * of their own, thinned or not.)
 *
 * @param before - Parameters of the model that was thinned.
 * @param after - Parameters of the thinned model.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { jsOptimizers, parametersOf } from '@espalier/core';
 * import { cutOptimizerState, thinModel } from '@espalier/pruners-structured';
 * const model = tfl.sequential({
 *   layers: [
 *     tfl.layers.dense({ units: 3, inputShape: [1], useBias: false }),
 *     tfl.layers.dense({ units: 1, useBias: false }),
 *   ],
 * });
 * model.setWeights([tf.tensor2d([[1, 0, 3]]), tf.tensor2d([[1], [0], [1]])]);
 * const before = parametersOf(model);
 * const optimizer = jsOptimizers.sgd([{ name: 'all', variables: before.map((p) => p.variable), learningRate: 0 }], {
 *   momentum: 0.9,
 * });
 * optimizer.step({ [before[0].variable.name]: tf.tensor2d([[5, 6, 7]]) });
 * const thinned = await thinModel(model);
 * const after = parametersOf(thinned.model);
 * const state = cutOptimizerState(await optimizer.state(), thinned, before, after);
 * const [momentum] = Object.values(state.slots[after[0].variable.name]);
 * if (momentum.join() !== '5,7') throw new Error(momentum.join());
 * ```
 */
export function cutOptimizerState(
  state: OptimizerState,
  { kept }: Pick<Thinned, 'kept'>,
  before: readonly Parameter[],
  after: readonly Parameter[],
): OptimizerState {
  const now = new Map(after.map((p) => [p.name, p]));
  const slots: Record<string, Record<string, Float32Array>> = {};
  for (const { name, shape, variable } of before) {
    const next = now.get(name);
    const own = state.slots[variable.name];
    if (next === undefined || own === undefined) continue;
    const selected = kept.get(name) ?? [];
    const indices = shape.map(
      (n, axis) =>
        selected.find((selection) => selection.axis === axis)?.indices ??
        Int32Array.from({ length: n }, (_, i) => i),
    );
    slots[next.variable.name] = Object.fromEntries(
      Object.entries(own).map(([slot, values]) => [slot, cut(values, shape, indices)]),
    );
  }
  return { step: state.step, slots };
}
