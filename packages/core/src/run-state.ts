import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EspalierError, unknownName } from './errors.js';
import { countNonzero } from './internal/nonzero.js';
import { ParameterState } from './internal/parameter-state.js';
import { changedValues, checkSize, checkZeros } from './internal/sharing.js';
import type { Parameter } from './parameter.js';
import { parametersOf } from './parameters.js';
import type { QuantizedTensor } from './quantized.js';
import { type Read, readLater, readNow } from './read.js';
import { kernels, type Selector, selectParameters } from './selector.js';
import type { PluginState, StateArray, Transformed } from './session.js';

/**
 * What is known of a model on its way to being small: its parameters, the masks on them, the values they share. It is
 * what plugins see of a `Run`.
 */
export class RunState {
  #model: LayersModel;
  #parameters: readonly Parameter[];
  #states: ReadonlyMap<string, ParameterState>;
  readonly seed: number;
  /** Steps of the optimizer whose slots a stage has left (`keepSlots`): Adam corrects its bias by them. */
  steps = 0;

  constructor(model: LayersModel, options: { readonly seed?: number } = {}) {
    this.#model = model;
    this.#parameters = parametersOf(model);
    this.#states = statesOf(this.#parameters);
    this.seed = options.seed ?? 0;
  }

  get model(): LayersModel {
    return this.#model;
  }

  get parameters(): readonly Parameter[] {
    return this.#parameters;
  }

  /** The parameter of that name. @throws EspalierError `unknown-name` */
  parameter(name: string): Parameter {
    return this.#state({ name }).parameter;
  }

  /** The parameters a selector names; every trainable kernel by default. */
  select(selector: Selector = kernels): Parameter[] {
    return selectParameters(this.#parameters, selector);
  }

  #state({ name }: { readonly name: string }): ParameterState {
    const state = this.#states.get(name);
    if (state === undefined) throw unknownName('parameter', name, this.#states.keys());
    return state;
  }

  /** All masks on a parameter combined: 1 keep, 0 pruned. The run owns the tensor. */
  mask(parameter: Parameter): tf.Tensor | undefined {
    return this.#states.get(parameter.name)?.mask;
  }

  /**
   * Sets (or, with `null`, lifts) an owner's mask on a parameter and zeroes what is pruned. Masks of different owners
   * combine by AND. Takes ownership of the tensor, also where it throws.
   *
   * @throws EspalierError `shape-mismatch`, `invalid-schedule` when the values are shared already, `unknown-name`
   */
  setMask(parameter: Parameter, mask: tf.Tensor | null, owner = 'user'): void {
    if (!this.#states.has(parameter.name)) mask?.dispose();
    this.#state(parameter).setMask(mask, owner);
  }

  /** Sets the masks that a pruner gave. Takes ownership of all, also where it throws. @throws as `setMask` */
  setMasks(masks: ReadonlyMap<Parameter, tf.Tensor>, owner: string): void {
    const left = new Map(masks);
    try {
      for (const [parameter, mask] of masks) {
        left.delete(parameter);
        this.setMask(parameter, mask, owner);
      }
    } finally {
      tf.dispose([...left.values()]);
    }
  }

  /** Writes 0 into every pruned weight. A loop of one's own calls it after each of its steps. */
  applyMasks(): void {
    for (const state of this.#states.values()) if (state.mask !== undefined) state.refresh();
  }

  /** The dense copy behind a parameter whose pruner revives weights, if there is one. The run owns it. */
  dense(parameter: Parameter): tf.Variable | undefined {
    return this.#states.get(parameter.name)?.dense;
  }

  /** Starts a dense copy: from now on pruned weights can come back. */
  keepDense(parameter: Parameter): tf.Variable {
    return this.#state(parameter).keepDense();
  }

  /** Drops a dense copy: what is pruned now stays pruned. */
  dropDense(parameter: Parameter): void {
    this.#states.get(parameter.name)?.dropDense();
  }

  /** How a parameter's values are shared, if they are. */
  shared(parameter: Parameter): QuantizedTensor | undefined {
    return this.#states.get(parameter.name)?.shared;
  }

  /**
   * Replaces a parameter's values by shared ones. @throws EspalierError `shape-mismatch`, `bad-plugin` when
   * pruned weights are not given a fixed 0, `asynchronous-backend` on WebGPU, where `shareAll` does it
   */
  share(parameter: Parameter, tensor: QuantizedTensor): void {
    void this.#shareAll([[parameter, tensor]], readNow);
  }

  /** `share` for many parameters, on every backend. @throws EspalierError as `share` */
  async shareAll(tensors: Iterable<readonly [Parameter, QuantizedTensor]>): Promise<void> {
    await this.#shareAll([...tensors], readLater);
  }

  #shareAll(tensors: readonly (readonly [Parameter, QuantizedTensor])[], read: Read): void | Promise<void> {
    for (const [parameter, tensor] of tensors) checkSize(parameter, tensor);
    const masked = tensors.filter(([parameter]) => this.mask(parameter) !== undefined);
    return read(
      () => masked.map(([parameter]) => this.mask(parameter)!),
      (masks) => {
        for (const [i, [parameter, tensor]] of masked.entries()) checkZeros(parameter, tensor, masks[i]);
        for (const [parameter, tensor] of tensors) this.#state(parameter).share(tensor);
      },
    );
  }

  /** @internal Shared values as fine-tuning has moved them; which weights share which is as before. */
  moveShared(parameter: Parameter, codebook: Float32Array): void {
    this.#state(parameter).share({ ...this.shared(parameter)!, codebook });
  }

  /** Lets a parameter's values go free again. */
  unshare(parameter: Parameter): void {
    this.#states.get(parameter.name)?.unshare();
  }

  /**
   * The variance of a parameter's posterior, weight by weight, where a plugin has learned one: how far a weight
   * may be moved. The run owns the tensor.
   */
  variance(parameter: Parameter): tf.Tensor | undefined {
    return this.#states.get(parameter.name)?.variance;
  }

  /**
   * Remembers the variance of a parameter's posterior; thinning cuts it along, and it is saved. Takes ownership
   * of the tensor, also where it throws. @throws EspalierError `shape-mismatch`
   */
  setVariance(parameter: Parameter, variance: tf.Tensor): void {
    this.#state(parameter).setVariance(variance);
  }

  /**
   * The optimizer's slots of a parameter, where a stage has left them (`keepSlots`): JSON-free arrays in the weight's
   * layout by slot name. Thinning cuts them along.
   */
  slots(parameter: Parameter): Readonly<Record<string, Float32Array>> | undefined {
    return this.#states.get(parameter.name)?.slots;
  }

  /** Remembers (or, with undefined, forgets) the optimizer's slots of a parameter. @throws EspalierError `shape-mismatch` */
  setSlots(parameter: Parameter, slots: Readonly<Record<string, Float32Array>> | undefined): void {
    for (const [slot, values] of Object.entries(slots ?? {})) {
      if (values.length === parameter.size) continue;
      throw new EspalierError(
        'shape-mismatch',
        `The slot ${slot} of ${parameter.name} has ${values.length} elements, the weight ${parameter.size}.`,
      );
    }
    this.#state(parameter).slots = slots;
  }

  /** Counts of all parameters together. */
  async counts(): Promise<{ parameters: number; nonzero: number }> {
    const parameters = this.#parameters.reduce((sum, { size }) => sum + size, 0);
    const nonzero = await readLater(
      () => [countNonzero(this.#parameters)],
      ([counts]) => counts.reduce((a, b) => a + b, 0),
    );
    return { parameters, nonzero };
  }

  /**
   * Puts a transformed model in the model's place, cutting along masks, shared values, variances and slots. Values
   * that the transform has changed (a bias into which a constant was folded) are shared no longer. Who made the new
   * model disposes the old one.
   */
  async replaceModel({ model, kept }: Transformed): Promise<void> {
    const before = this.#states;
    this.#model = model;
    this.#parameters = parametersOf(model);
    this.#states = statesOf(this.#parameters);
    for (const [name, old] of before) {
      const next = this.#states.get(name);
      if (next !== undefined) old.cutInto(next, kept?.get(name) ?? []);
      old.dispose();
    }
    for (const parameter of await changedValues(this.#parameters, this)) this.unshare(parameter);
  }

  /** Weights, masks, dense copies, variances, shared values and slots, as they are now. */
  async save(): Promise<PluginState> {
    const saved = [...this.#states.values()].map((state) => state.saved());
    const tensors = saved.flatMap((one) => one.tensors);
    const read = await readLater(
      () => tensors.map(([, tensor]) => tensor),
      (numbers): [string, StateArray][] =>
        tensors.map(([key], i) => [key, key.startsWith('mask:') ? Uint8Array.from(numbers[i]) : numbers[i]]),
    );
    return {
      json: { steps: this.steps },
      arrays: Object.fromEntries([...read, ...saved.flatMap((one) => one.arrays)]),
    };
  }

  /** Puts a saved state back. @throws EspalierError `bad-state` when it belongs to another model. */
  load(state: PluginState): void {
    const arrays = state.arrays ?? {};
    const missing = this.#parameters.find((p) => arrays[`weight:${p.name}`]?.length !== p.size);
    if (missing !== undefined) {
      throw new EspalierError(
        'bad-state',
        `The saved state has no weight ${missing.name} of ${missing.size} elements.`,
        { remedy: 'Resume with the recipe and the model the state was saved with.' },
      );
    }
    this.steps = (state.json as { steps?: number } | null | undefined)?.steps ?? 0;
    for (const own of this.#states.values()) own.load(arrays);
  }

  /** Frees masks, dense copies and variances; the model stays. */
  dispose(): void {
    for (const state of this.#states.values()) state.dispose();
  }
}

function statesOf(parameters: readonly Parameter[]): ReadonlyMap<string, ParameterState> {
  return new Map(parameters.map((parameter) => [parameter.name, new ParameterState(parameter)]));
}
