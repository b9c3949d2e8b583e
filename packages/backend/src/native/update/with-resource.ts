import type * as tf from '@tensorflow/tfjs-core';
import { attributes, type NativeBackend } from '../ops.js';
import { ResourceVariable } from '../resource.js';
import { assignId, type FusedRule, idOf, type Updated } from './updated.js';

/** By TensorFlow's own op, which works on variables of its runtime. */
export function withResource(backend: NativeBackend, rule: FusedRule, variable: tf.Variable): Updated {
  const { binding } = backend;
  const make = attributes(binding);
  const op = [make.type('T', 'float32'), make.bool('use_locking', false), ...rule.attributes(make)];
  const float = [make.type('dtype', 'float32')];
  const value = new ResourceVariable(backend, variable.shape);
  const slots = rule.slots.map(() => {
    const slot = new ResourceVariable(backend, variable.shape);
    slot.set(new Float32Array(variable.size));
    return slot;
  });
  /** The handle through which `variable` sees `value`; another one means it was assigned from outside. */
  let seen = -1;
  return {
    variable,
    update(gradient, scalars) {
      const before = idOf(backend, variable);
      if (before !== seen) value.assign(before);
      const stored = backend.tensorMap.get(variable.dataId);
      // TensorFlow updates in place only what nobody else holds. So the TF.js variable lets go of its handle for
      // the moment, unless other TF.js tensors (clones) share it: those must keep the old value.
      const alone = stored.refCount === 1;
      if (alone) binding.deleteTensor(before);
      try {
        const inputs = rule.inputs.map((name) => {
          if (name === 'value') return value.id;
          if (name === 'gradient') return gradient;
          return scalars.get(name) ?? slots[rule.slots.indexOf(name)].id;
        });
        binding.executeOp(rule.op, op, inputs, 0);
      } finally {
        const [output] = binding.executeOp('ReadVariableOp', float, [value.id], 1);
        seen = output.id;
        if (alone) stored.id = output.id;
        else assignId(backend, variable, output.id);
      }
    },
    slots: () => slots.map((slot) => slot.values()),
    setSlot: (i, values) => slots[i].set(values),
    multiplySlots(factor) {
      for (const slot of slots) slot.multiply(idOf(backend, factor));
    },
    dispose() {
      for (const resource of [value, ...slots]) resource.dispose();
    },
  };
}
