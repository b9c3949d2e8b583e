import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../ops.js';
import { executeTaking } from '../taking.js';
import { assignId, type FusedRule, idOf, type Updated } from './updated.js';

/** By our own op, on plain tensors: in place where nobody else holds the variable's value. */
export function withTensors(
  backend: NativeBackend,
  { own, ...rule }: FusedRule,
  variable: tf.Variable,
): Updated {
  const slots = rule.slots.map(() => tf.keep(tf.zeros(variable.shape)));
  const tensors = [variable, ...slots];
  const stored = (tensor: tf.Tensor) => backend.tensorMap.get(tensor.dataId);
  return {
    variable,
    update(gradient, scalars) {
      const before = tensors.map((tensor) => idOf(backend, tensor));
      const numbers = own.scalars.map((name) => scalars.get(name)!);
      const alone = tensors.map((tensor) => stored(tensor).refCount === 1);
      const inputs = [...before, ...numbers, gradient];
      const taken = inputs.map((_, i) => alone[i] ?? false);
      const after = executeTaking(backend, own.op, inputs, tensors.length, taken);
      for (const [i, tensor] of tensors.entries()) {
        if (alone[i]) stored(tensor).id = after[i];
        else assignId(backend, variable, after[i]); // Slots are nobody else's.
      }
    },
    slots: () => slots.map((slot) => slot.dataSync() as Float32Array),
    setSlot(i, values) {
      replace(slots[i], tf.tensor(values.slice(), slots[i].shape));
    },
    multiplySlots(factor) {
      for (const slot of slots) replace(slot, tf.mul(slot, factor));
    },
    dispose: () => tf.dispose(slots),
  };

  /** Gives a slot another value. */
  function replace(slot: tf.Tensor, value: tf.Tensor): void {
    const [to, from] = [stored(slot), stored(value)];
    const id = idOf(backend, value);
    if (to.id >= 0) backend.binding.deleteTensor(to.id);
    to.values = null;
    to.id = id;
    from.id = -1; // The value's handle has gone over.
    value.dispose();
  }
}

/** Whether the addon has the rule's own op, and it answers. */
export function hasOwn(backend: NativeBackend, { own, slots }: FusedRule): boolean {
  const { binding } = backend;
  if (backend.isUsingGpuDevice || binding.createProgram === undefined) return false;
  const one = (): number => binding.createTensor([1], binding.TF_FLOAT, Float32Array.of(1));
  const ids = Array.from({ length: 1 + slots.length + own.scalars.length + 1 }, one);
  try {
    for (const { id } of binding.executeOp(own.op, [], ids, 1 + slots.length)) ids.push(id);
    return true;
  } catch {
    return false;
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
}
