import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../error.js';
import { type Masking, masking } from './masking.js';
import { attributes, type NativeBackend, nativeBackend, type OpAttribute } from './ops.js';
import { ResourceVariable } from './resource.js';
import { checkState, type FusedState } from './state.js';

/** Variables trained at one learning rate; fits `ParameterGroup` of `@espalier/core`. */
export interface VariableGroup {
  readonly name: string;
  readonly variables: readonly tf.Variable[];
  learningRate: number;
}

/** What the optimizer keeps for one variable. */
interface Entry {
  readonly variable: tf.Variable;
  /** TensorFlow's own variable, which the kernels update. */
  readonly value: ResourceVariable;
  readonly slots: readonly ResourceVariable[];
  /** Our copy of the mask, of the type that the masking op takes. */
  mask: tf.Tensor | null;
  /** The handle through which `variable` sees `value`; another one means it was assigned from outside. */
  seen: number;
}

/** Numbers of one step, by the names under which an update rule's `inputs` finds them. */
export type StepScalars = Readonly<Record<string, number>>;

/** An update rule: one TensorFlow op per variable. */
export interface FusedRule {
  readonly op: string;
  readonly slots: readonly string[];
  attributes(make: ReturnType<typeof attributes>): OpAttribute[];
  /** The scalars of step `step` (from 1) at a learning rate. */
  scalars(step: number, learningRate: number): StepScalars;
  /** The op's inputs in order: `value`, a slot, `gradient`, or a scalar. */
  readonly inputs: readonly string[];
}

/**
 * An optimizer whose every update is one fused, in-place kernel of TensorFlow. It satisfies `Optimizer` of
 * `@espalier/core`: groups with their own learning rates, masks that hold entries, a state from which it
 * resumes bit for bit. Made by `nativeOptimizers.adam` and `nativeOptimizers.sgd`.
 */
export class FusedOptimizer {
  private readonly backend: NativeBackend = nativeBackend();
  private readonly masking: Masking = masking(this.backend);
  private readonly entries: Map<tf.Variable, Entry> = new Map();
  private readonly op: OpAttribute[];
  private readonly float: OpAttribute[];
  private current: readonly VariableGroup[] = [];
  private steps = 0;

  constructor(
    private readonly rule: FusedRule,
    groups: readonly VariableGroup[],
  ) {
    const make = attributes(this.backend.binding);
    this.op = [make.type('T', 'float32'), make.bool('use_locking', false), ...rule.attributes(make)];
    this.float = [make.type('dtype', 'float32')];
    this.setGroups(groups);
  }

  get groups(): readonly VariableGroup[] {
    return this.current;
  }

  /** @throws BackendError `optimizer` when a variable occurs twice, by itself or by name, or is not float32 */
  setGroups(groups: readonly VariableGroup[]): void {
    const wanted = new Set<tf.Variable>();
    const names = new Set<string>();
    for (const variable of groups.flatMap((group) => group.variables)) {
      if (names.has(variable.name)) {
        throw new BackendError('optimizer', `"${variable.name}" occurs twice`, 'Put it in one group, once.');
      }
      if (variable.dtype !== 'float32') {
        throw new BackendError('optimizer', `"${variable.name}" is ${variable.dtype}`, 'Train float32 only.');
      }
      names.add(variable.name);
      wanted.add(variable);
    }
    for (const [variable, entry] of this.entries) if (!wanted.has(variable)) this.drop(entry);
    for (const variable of wanted) if (!this.entries.has(variable)) this.add(variable);
    this.current = groups;
  }

  /** @throws BackendError `optimizer` for a variable that is not trained here or a mask of another shape */
  setMask(variable: tf.Variable, mask: tf.Tensor | null): void {
    const entry = this.entries.get(variable);
    if (!entry) {
      throw new BackendError(
        'optimizer',
        `"${variable.name}" is in no group`,
        'Add it with setGroups first.',
      );
    }
    if (mask && String(mask.shape) !== String(variable.shape)) {
      throw new BackendError(
        'optimizer',
        `the mask of "${variable.name}" has the shape [${mask.shape}]`,
        `Give one of the variable's shape, [${variable.shape}].`,
      );
    }
    entry.mask?.dispose();
    entry.mask = mask ? tf.keep(tf.cast(mask, this.masking.dtype)) : null;
    if (!mask) return;
    const factor = tf.cast(mask, 'float32');
    for (const slot of entry.slots) slot.multiply(this.idOf(factor));
    factor.dispose();
  }

  /** @throws BackendError `optimizer` when a learning rate is not a finite number */
  step(gradients: tf.NamedTensorMap): void {
    const { binding } = this.backend;
    const step = this.steps + 1;
    for (const group of this.current) {
      if (!Number.isFinite(group.learningRate)) {
        throw new BackendError(
          'optimizer',
          `the learning rate of group "${group.name}" is ${group.learningRate}`,
          'Give a finite number.',
        );
      }
      const scalars = new Map<string, number>();
      for (const [name, value] of Object.entries(this.rule.scalars(step, group.learningRate))) {
        scalars.set(name, binding.createTensor([], binding.TF_FLOAT, Float32Array.of(value)));
      }
      for (const variable of group.variables) {
        const gradient = gradients[variable.name];
        if (gradient) this.update(this.entries.get(variable)!, gradient, scalars);
      }
      for (const id of scalars.values()) binding.deleteTensor(id);
    }
    this.steps = step;
  }

  private update(entry: Entry, gradient: tf.Tensor, scalars: ReadonlyMap<string, number>): void {
    const { binding } = this.backend;
    const { variable, value } = entry;
    let gradientId = this.idOf(gradient);
    const masked = entry.mask ? this.masking.apply(gradientId, this.idOf(entry.mask)) : undefined;
    gradientId = masked ?? gradientId;
    const before = this.idOf(variable);
    if (before !== entry.seen) value.assign(before);
    const stored = this.backend.tensorMap.get(variable.dataId);
    // TensorFlow updates in place only what nobody else holds. So the TF.js variable lets go of its handle for
    // the moment, unless other TF.js tensors (clones) share it: those must keep the old value.
    const alone = stored.refCount === 1;
    if (alone) binding.deleteTensor(before);
    try {
      const inputs = this.rule.inputs.map((name) => {
        if (name === 'value') return value.id;
        if (name === 'gradient') return gradientId;
        return scalars.get(name) ?? entry.slots[this.rule.slots.indexOf(name)].id;
      });
      binding.executeOp(this.rule.op, this.op, inputs, 0);
    } finally {
      const [output] = binding.executeOp('ReadVariableOp', this.float, [value.id], 1);
      entry.seen = output.id;
      if (alone) stored.id = output.id;
      else {
        const updated = this.backend.createOutputTensor(output);
        variable.assign(updated);
        updated.dispose();
      }
      if (masked !== undefined) binding.deleteTensor(masked);
    }
  }

  async state(): Promise<FusedState> {
    const slots: Record<string, Record<string, Float32Array>> = {};
    for (const { variable, slots: own } of this.entries.values()) {
      slots[variable.name] = Object.fromEntries(this.rule.slots.map((name, i) => [name, own[i].values()]));
    }
    return { step: this.steps, slots };
  }

  /** @throws BackendError `optimizer` when the state belongs to other variables or another rule */
  restore(state: FusedState): void {
    const sizes = new Map([...this.entries.keys()].map((variable) => [variable.name, variable.size]));
    checkState(state, sizes, this.rule.slots);
    for (const { variable, slots } of this.entries.values()) {
      for (const [i, name] of this.rule.slots.entries()) slots[i].set(state.slots[variable.name][name]);
    }
    this.steps = state.step;
  }

  dispose(): void {
    for (const entry of this.entries.values()) this.drop(entry);
    this.current = [];
  }

  private add(variable: tf.Variable): void {
    const make = (): ResourceVariable => new ResourceVariable(this.backend, variable.shape);
    const slots = this.rule.slots.map(() => {
      const slot = make();
      slot.set(new Float32Array(variable.size));
      return slot;
    });
    this.entries.set(variable, { variable, value: make(), slots, mask: null, seen: -1 });
  }

  private drop(entry: Entry): void {
    for (const resource of [entry.value, ...entry.slots]) resource.dispose();
    entry.mask?.dispose();
    this.entries.delete(entry.variable);
  }

  private idOf(tensor: tf.Tensor): number {
    return this.backend.getInputTensorIds([tensor])[0];
  }
}
