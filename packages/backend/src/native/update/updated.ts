import type * as tf from '@tensorflow/tfjs-core';
import type { attributes, NativeBackend, OpAttribute } from '../ops.js';

/** Numbers of one step, by the names under which an update rule's `inputs` finds them. */
export type StepScalars = Readonly<Record<string, number>>;

/** An update rule: one op per variable, TensorFlow's or ours. */
export interface FusedRule {
  /** TensorFlow's. */
  readonly op: string;
  readonly slots: readonly string[];
  attributes(make: ReturnType<typeof attributes>): OpAttribute[];
  /** The scalars of step `step` (from 1) at a learning rate. */
  scalars(step: number, learningRate: number): StepScalars;
  /** Its inputs in order: `value`, a slot, `gradient`, or a scalar. */
  readonly inputs: readonly string[];
  /** Ours, which takes the variable, the slots, these scalars and the gradient (see addon/update-ops.cc). */
  readonly own: { readonly op: string; readonly scalars: readonly string[] };
}

/** A variable that is updated by a rule, and its slots. */
export interface Updated {
  readonly variable: tf.Variable;
  /** One step, by the ids of the gradient and of the scalars, which stay the caller's. */
  update(gradient: number, scalars: ReadonlyMap<string, number>): void;
  /** The values of its slots, in the rule's order. */
  slots(): Float32Array[];
  setSlot(i: number, values: Float32Array): void;
  /** Multiplies every slot by a tensor of the variable's shape. */
  multiplySlots(factor: tf.Tensor): void;
  dispose(): void;
}

/** The id of a tensor's handle, which is made where the values have not been handed over yet. */
export function idOf(backend: NativeBackend, tensor: tf.TensorInfo): number {
  return backend.getInputTensorIds([tensor])[0];
}

/** Lets a variable have the value of a handle, whatever else holds its former value. */
export function assignId(backend: NativeBackend, variable: tf.Variable, id: number): void {
  const { binding } = backend;
  const updated = backend.createOutputTensor({ id, shape: [...variable.shape], dtype: binding.TF_FLOAT });
  variable.assign(updated);
  updated.dispose();
}
