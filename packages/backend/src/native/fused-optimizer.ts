import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../error.js';
import { type Masking, masking } from './masking.js';
import { type NativeBackend, nativeBackend } from './ops.js';
import { everyStep, perStep } from './replay/every-step.js';
import { checkState, type FusedState } from './state.js';
import { type FusedRule, idOf, type Updated } from './update/updated.js';
import { withResource } from './update/with-resource.js';
import { hasOwn, withTensors } from './update/with-tensors.js';

/** Variables trained at one learning rate; fits `ParameterGroup` of `@espalier/core`. */
export interface VariableGroup {
  readonly name: string;
  readonly variables: readonly tf.Variable[];
  learningRate: number;
}

/** What the optimizer keeps for one variable. */
interface Entry {
  readonly updated: Updated;
  /** Our copy of the mask, of the type that the masking op takes; steps that are replayed find another one in its place. */
  mask: tf.Variable | null;
}

/**
 * An optimizer whose every update is one fused, in-place kernel of TensorFlow. It satisfies `Optimizer` of
 * `@espalier/core`: groups with their own learning rates, masks that hold entries, a state from which it
 * resumes bit for bit. Made by `nativeOptimizers.adam` and `nativeOptimizers.sgd`.
 *
 * @example
 * ```ts no-run
 * import { FusedOptimizer, nativeOptimizers, startBackend } from '@espalier/backend';
 * import * as tf from '@tensorflow/tfjs-core';
 * await startBackend({ prefer: 'native' });
 * const w = tf.variable(tf.ones([2]));
 * const optimizer = nativeOptimizers.sgd([{ variables: [w], learningRate: 0.1 }]);
 * console.log(optimizer instanceof FusedOptimizer);
 * ```
 */
export class FusedOptimizer {
  private readonly backend: NativeBackend = nativeBackend();
  private readonly masking: Masking = masking(this.backend);
  private readonly entries: Map<tf.Variable, Entry> = new Map();
  private readonly own: boolean;
  private current: readonly VariableGroup[] = [];
  private steps = 0;

  constructor(
    private readonly rule: FusedRule,
    groups: readonly VariableGroup[],
  ) {
    this.own = hasOwn(this.backend, rule);
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
    if (!mask) {
      entry.mask?.dispose();
      entry.mask = null;
      return;
    }
    tf.tidy(() => {
      const own = tf.cast(mask, this.masking.dtype);
      if (entry.mask) entry.mask.assign(own);
      else entry.mask = tf.variable(own, false);
      entry.updated.multiplySlots(tf.cast(mask, 'float32'));
    });
  }

  /** @throws BackendError `optimizer` when a learning rate is not a finite number */
  step(gradients: tf.NamedTensorMap): void {
    const { binding } = this.backend;
    for (const group of this.current) checkRate(group);
    everyStep(() => {
      this.steps += 1;
    });
    for (const group of this.current) {
      const names = Object.keys(this.rule.scalars(this.steps, group.learningRate));
      const scalars = new Map<string, number>();
      for (const name of names) {
        const value = perStep(() => {
          checkRate(group);
          return Float32Array.of(this.rule.scalars(this.steps, group.learningRate)[name]);
        });
        scalars.set(name, binding.createTensor([], binding.TF_FLOAT, value));
      }
      for (const variable of group.variables) {
        const gradient = gradients[variable.name];
        if (gradient) this.update(this.entries.get(variable)!, gradient, scalars);
      }
      for (const id of scalars.values()) binding.deleteTensor(id);
    }
  }

  private update({ updated, mask }: Entry, gradient: tf.Tensor, scalars: ReadonlyMap<string, number>): void {
    const id = idOf(this.backend, gradient);
    const masked = mask ? this.masking.apply(id, idOf(this.backend, mask)) : undefined;
    try {
      updated.update(masked ?? id, scalars);
    } finally {
      if (masked !== undefined) this.backend.binding.deleteTensor(masked);
    }
  }

  async state(): Promise<FusedState> {
    const slots: Record<string, Record<string, Float32Array>> = {};
    for (const { updated } of this.entries.values()) {
      const own = updated.slots();
      slots[updated.variable.name] = Object.fromEntries(this.rule.slots.map((name, i) => [name, own[i]]));
    }
    return { step: this.steps, slots };
  }

  /** @throws BackendError `optimizer` when the state belongs to other variables or another rule */
  restore(state: FusedState): void {
    const sizes = new Map([...this.entries.keys()].map((variable) => [variable.name, variable.size]));
    checkState(state, sizes, this.rule.slots);
    for (const { updated } of this.entries.values()) {
      const slots = state.slots[updated.variable.name];
      for (const [i, name] of this.rule.slots.entries()) updated.setSlot(i, slots[name]);
    }
    this.steps = state.step;
  }

  dispose(): void {
    for (const entry of this.entries.values()) this.drop(entry);
    this.current = [];
  }

  private add(variable: tf.Variable): void {
    const make = this.own ? withTensors : withResource;
    this.entries.set(variable, { updated: make(this.backend, this.rule, variable), mask: null });
  }

  private drop({ updated, mask }: Entry): void {
    updated.dispose();
    mask?.dispose();
    this.entries.delete(updated.variable);
  }
}

function checkRate({ name, learningRate }: VariableGroup): void {
  if (Number.isFinite(learningRate)) return;
  throw new BackendError(
    'optimizer',
    `the learning rate of group "${name}" is ${learningRate}`,
    'Give a finite number.',
  );
}
