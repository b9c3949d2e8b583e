import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../../error.js';
import type { VariableGroup } from '../../native/fused-optimizer.js';
import { checkState, type FusedState } from '../../native/state.js';
import { elementwise, elementwiseGrid, type Kernel, type Launcher, launcher } from '../dispatch/kernel.js';

/** An update rule: one program per variable. */
export interface GpuRule {
  readonly name: string;
  readonly slots: readonly string[];
  /** Names of the numbers that change from step to step, read as `s.name`. */
  readonly scalars: readonly string[];
  /** Their values at step `step` (from 1) and a learning rate. */
  numbers(step: number, learningRate: number): readonly number[];
  /** WGSL that changes `w` and the slots (`m`, …), variables of one element, by its gradient `g`. */
  readonly update: string;
}

/** What the optimizer keeps for one variable. */
interface Entry {
  readonly slots: readonly tf.Tensor[];
  /** Our float32 copy of the mask. */
  mask: tf.Tensor | null;
}

/**
 * An optimizer whose every update is one program that changes weight and slots in place. It satisfies `Optimizer` of
 * `@espalier/core`: groups with their own learning rates, masks that hold entries, a state from which it resumes bit
 * for bit.
 */
export class GpuOptimizer {
  readonly #gpu: Launcher = launcher();
  readonly #entries = new Map<tf.Variable, Entry>();
  readonly #kernels: readonly [plain: Kernel, masked: Kernel];
  #groups: readonly VariableGroup[] = [];
  /** The scalars of each group, in the order of the groups. */
  #scalars: tf.Tensor[] = [];
  #steps = 0;

  constructor(
    private readonly rule: GpuRule,
    groups: readonly VariableGroup[],
  ) {
    this.#kernels = [kernelOf(rule, false), kernelOf(rule, true)];
    this.setGroups(groups);
  }

  get groups(): readonly VariableGroup[] {
    return this.#groups;
  }

  /** @throws BackendError `optimizer` when a variable occurs twice, by itself or by name, or is not float32 */
  setGroups(groups: readonly VariableGroup[]): void {
    const wanted = new Set<tf.Variable>();
    const names = new Set<string>();
    for (const variable of groups.flatMap((group) => group.variables)) {
      const { name, dtype } = variable;
      if (names.has(name)) throw refusal(`"${name}" occurs twice`, 'Put it in one group, once.');
      if (dtype !== 'float32') throw refusal(`"${name}" is ${dtype}`, 'Train float32 only.');
      names.add(name);
      wanted.add(variable);
    }
    for (const variable of this.#entries.keys()) if (!wanted.has(variable)) this.#drop(variable);
    for (const variable of wanted) {
      if (this.#entries.has(variable)) continue;
      const slots = this.rule.slots.map(() => tf.keep(tf.zeros(variable.shape)));
      this.#entries.set(variable, { slots, mask: null });
    }
    tf.dispose(this.#scalars);
    const count = this.rule.scalars.length;
    this.#scalars = groups.map(() => tf.keep(tf.zeros([count + 1]))); // One more, or a single number might be shared.
    this.#groups = groups;
  }

  /** @throws BackendError `optimizer` for a variable that is not trained here or a mask of another shape */
  setMask(variable: tf.Variable, mask: tf.Tensor | null): void {
    const entry = this.#entries.get(variable);
    if (!entry) throw refusal(`"${variable.name}" is in no group`, 'Add it with setGroups first.');
    if (mask && String(mask.shape) !== String(variable.shape)) {
      throw refusal(
        `the mask of "${variable.name}" has the shape [${mask.shape}]`,
        `Give one of the variable's shape, [${variable.shape}].`,
      );
    }
    entry.mask?.dispose();
    entry.mask = null;
    if (!mask) return;
    entry.mask = tf.keep(tf.tidy(() => tf.mul(tf.cast(mask, 'float32'), 1))); // A copy: the caller may free its own.
    const slots = entry.slots.map((slot) => tf.keep(tf.tidy(() => tf.mul(slot, entry.mask!))));
    tf.dispose([...entry.slots]);
    this.#entries.set(variable, { slots, mask: entry.mask });
  }

  /** @throws BackendError `optimizer` when a learning rate is not a finite number */
  step(gradients: tf.NamedTensorMap): void {
    for (const { name, learningRate } of this.#groups) {
      if (Number.isFinite(learningRate)) continue;
      throw refusal(`the learning rate of group "${name}" is ${learningRate}`, 'Give a finite number.');
    }
    const step = this.#steps + 1;
    const { backend, calls } = this.#gpu;
    calls.submit(); // What was recorded before still reads the numbers of the step before.
    for (const [i, { variables, learningRate }] of this.#groups.entries()) {
      const numbers = Float32Array.from(this.rule.numbers(step, learningRate));
      backend.uploadToGPU(this.#scalars[i].dataId);
      const { resource } = backend.tensorMap.get(this.#scalars[i].dataId);
      if (numbers.length > 0) backend.device.queue.writeBuffer(resource!, 0, numbers);
      for (const variable of variables) {
        const gradient = gradients[variable.name];
        if (gradient && variable.size > 0) this.#update(variable, gradient, this.#scalars[i]);
      }
    }
    this.#steps = step;
  }

  #update(variable: tf.Variable, gradient: tf.Tensor, scalars: tf.Tensor): void {
    const { slots, mask } = this.#entries.get(variable)!;
    this.#gpu.own(variable);
    for (const slot of slots) this.#gpu.own(slot);
    const tensors = [variable, ...slots, gradient, scalars];
    const [plain, masked] = this.#kernels;
    const kernel = mask ? masked : plain;
    this.#gpu.run(
      kernel,
      mask ? [...tensors, mask] : tensors,
      [variable.size],
      elementwiseGrid(variable.size),
    );
  }

  async state(): Promise<FusedState> {
    const slots: Record<string, Record<string, Float32Array>> = {};
    for (const [variable, { slots: own }] of this.#entries) {
      const values = await Promise.all(own.map(async (slot) => (await slot.data<'float32'>()).slice()));
      slots[variable.name] = Object.fromEntries(this.rule.slots.map((name, i) => [name, values[i]]));
    }
    return { step: this.#steps, slots };
  }

  /** @throws BackendError `optimizer` when the state belongs to other variables or another rule */
  restore(state: FusedState): void {
    const sizes = new Map([...this.#entries.keys()].map((variable) => [variable.name, variable.size]));
    checkState(state, sizes, this.rule.slots);
    for (const [variable, { slots, mask }] of this.#entries) {
      tf.dispose([...slots]);
      const restored = this.rule.slots.map((name) =>
        tf.keep(tf.tensor(state.slots[variable.name][name].slice(), variable.shape)),
      );
      this.#entries.set(variable, { slots: restored, mask });
    }
    this.#steps = state.step;
  }

  dispose(): void {
    this.setGroups([]);
  }

  #drop(variable: tf.Variable): void {
    const { slots, mask } = this.#entries.get(variable)!;
    tf.dispose([...slots]);
    mask?.dispose();
    this.#entries.delete(variable);
  }
}

function refusal(what: string, remedy: string): BackendError {
  return new BackendError('optimizer', what, remedy);
}

function kernelOf({ name, slots, scalars, update }: GpuRule, masked: boolean): Kernel {
  const load = slots.map((slot) => `var ${slot} = ${slot}s[i];`);
  const store = slots.map((slot) => `${slot}s[i] = ${slot};`);
  return elementwise({
    name: `${name}${masked ? '/masked' : ''}`,
    writes: ['ws', ...slots.map((slot) => `${slot}s`)],
    reads: ['gs', 'numbers', ...(masked ? ['mask'] : [])],
    params: [],
    declarations: `struct Numbers { ${scalars.map((scalar) => `${scalar}: f32`).join(', ')} }`,
    body: `
let s = Numbers(${scalars.map((_, i) => `numbers[${i}]`).join(', ')});
let g = gs[i]${masked ? ' * mask[i]' : ''};
var w = ws[i];
${load.join('\n')}
${update}
ws[i] = w;
${store.join('\n')}`,
  });
}
