import * as tf from '@tensorflow/tfjs-core';
import type { Parameter } from '../parameter.js';
import type { RunState } from '../run-state.js';
import { constraintOf } from './layer-rules.js';
import { maskedCopy } from './masked.js';

/**
 * How a parameter is trained: which variable the optimizer moves, how the weight's gradient reaches it, and
 * how the weight follows. The optimizer knows nothing of masks that revive or of shared values.
 */
export interface Binding {
  readonly parameter: Parameter;
  /** What the optimizer updates. */
  readonly trained: tf.Variable;
  /** 1 train, 0 hold, in the shape of `trained`. */
  readonly mask: tf.Tensor | undefined;
  /** The gradient of `trained` from the gradient of the weight; runs inside a tidy. */
  pull(gradient: tf.Tensor): tf.Tensor;
  /** Makes the weight follow `trained` after a step. */
  push?(): void;
  /** What was learned, to be read at the end of an epoch, and how it gets back to the run. */
  readonly settle?: { readonly learned: tf.Tensor; take(values: Float32Array): void };
  dispose?(): void;
}

/** The optimizer updates the weight itself; a mask holds what is pruned. */
function plain(run: RunState, parameter: Parameter): Binding {
  const { variable } = parameter;
  const mask = run.mask(parameter);
  const constrain = constraintOf(parameter);
  return {
    parameter,
    trained: variable,
    mask,
    pull: (gradient) => gradient,
    ...(constrain && {
      push: () => tf.tidy(() => variable.assign(maskedCopy(constrain(variable), mask))),
    }),
  };
}

/** A dense copy takes the gradient of the masked weight, so that pruned weights can grow back. */
function revivable(run: RunState, parameter: Parameter, dense: tf.Variable): Binding {
  const constrain = constraintOf(parameter);
  return {
    parameter,
    trained: dense,
    mask: undefined,
    pull: (gradient) => gradient,
    push() {
      if (constrain !== undefined) tf.tidy(() => dense.assign(constrain(dense)));
      tf.tidy(() => parameter.variable.assign(maskedCopy(dense, run.mask(parameter))));
    },
  };
}

/**
 * Shared values: the gradient of a codebook entry is the sum over the weights that use it (Han et al. 2016,
 * eq. 3). A constraint of the layer is not enforced: what the weights share is not one weight's. Only the weights whose entry may move are gathered and scattered: after pruning those are few.
 */
function shared(run: RunState, parameter: Parameter): Binding {
  const { codebook, indices, fixed = [] } = run.shared(parameter)!;
  const moves = (index: number): boolean => !fixed.includes(index);
  const positions: number[] = [];
  for (let i = 0; i < indices.length; i++) if (moves(indices[i])) positions.push(i);
  const entries = tf.tidy(() => tf.variable(tf.tensor1d(codebook), true));
  const held = tf.keep(tf.tensor1d(Float32Array.from(codebook, (_, i) => (moves(i) ? 1 : 0))));
  const at = tf.keep(tf.tensor1d(Int32Array.from(positions), 'int32'));
  const index = tf.keep(
    tf.tensor1d(
      Int32Array.from(positions, (i) => indices[i]),
      'int32',
    ),
  );
  // What does not move: fixed entries in their places, 0 elsewhere.
  const rest = tf.keep(tf.tensor1d(Float32Array.from(indices, (i) => (moves(i) ? 0 : codebook[i]))));
  return {
    parameter,
    trained: entries,
    mask: held,
    pull: (gradient) =>
      tf.unsortedSegmentSum(tf.gather(tf.reshape(gradient, [parameter.size]), at), index, codebook.length),
    push() {
      tf.tidy(() => {
        const values = tf.scatterND(tf.reshape(at, [-1, 1]), tf.gather(entries, index), [parameter.size]);
        parameter.variable.assign(tf.reshape(tf.add(values, rest), parameter.shape as number[]));
      });
    },
    settle: { learned: entries, take: (codebook) => run.moveShared(parameter, codebook) },
    dispose: () => tf.dispose([entries, held, at, index, rest]),
  };
}

/** The binding that fits what the run knows of the parameter now. */
export function bind(run: RunState, parameter: Parameter): Binding {
  const dense = run.dense(parameter);
  if (run.shared(parameter) !== undefined) return shared(run, parameter);
  return dense === undefined ? plain(run, parameter) : revivable(run, parameter, dense);
}
