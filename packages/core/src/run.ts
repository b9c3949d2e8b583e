import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EspalierError, unknownName } from './errors.js';
import { masksFrom, quantizedFrom } from './internal/answers.js';
import { checkZeros } from './internal/check-zeros.js';
import { cutTensor } from './internal/cut.js';
import { maskedCopy } from './internal/masked.js';
import { countNonzero } from './internal/nonzero.js';
import { type Moment, once } from './moment.js';
import type { Parameter } from './parameter.js';
import { parametersOf } from './parameters.js';
import type { PluginState, Pruner, Quantizer, StateArray, Transformed } from './plugin.js';
import { dequantize, type QuantizedTensor } from './quantized.js';
import { type Read, reading, readLater, readNow } from './read.js';
import { kernels, type Selector, selectParameters } from './selector.js';

/**
 * A model on its way to being small: its parameters, the masks on them and the values they share. It outlives
 * training stages; the trainer, plugins and the encoder all look at it.
 *
 * Invariant: outside a call, a masked weight is exactly 0 and a shared weight is exactly its codebook entry.
 */
export class Run {
  #model: LayersModel;
  #parameters: readonly Parameter[];
  /** By parameter name, then by owner: masks of different owners combine by AND. */
  readonly #masks = new Map<string, Map<string, tf.Tensor>>();
  readonly #combined = new Map<string, tf.Tensor>();
  readonly #shared = new Map<string, QuantizedTensor>();
  readonly #dense = new Map<string, tf.Variable>();
  readonly #variances = new Map<string, tf.Tensor>();
  readonly seed: number;

  constructor(model: LayersModel, options: { readonly seed?: number } = {}) {
    this.#model = model;
    this.#parameters = parametersOf(model);
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
    const found = this.#parameters.find((p) => p.name === name);
    if (found === undefined) {
      throw unknownName(
        'parameter',
        name,
        this.#parameters.map((p) => p.name),
      );
    }
    return found;
  }

  /** The parameters a selector names; every trainable kernel by default. */
  select(selector: Selector = kernels): Parameter[] {
    return selectParameters(this.#parameters, selector);
  }

  /** All masks on a parameter combined: 1 keep, 0 pruned. The run owns the tensor. */
  mask(parameter: Parameter): tf.Tensor | undefined {
    return this.#combined.get(parameter.name);
  }

  /**
   * Sets (or, with `null`, lifts) an owner's mask on a parameter and zeroes what is pruned. Takes ownership of
   * the tensor, also where it throws.
   *
   * @throws EspalierError `shape-mismatch`, `invalid-schedule` when the values are shared already
   */
  setMask(parameter: Parameter, mask: tf.Tensor | null, owner = 'user'): void {
    try {
      this.#checkMask(parameter, mask, owner);
    } catch (error) {
      mask?.dispose();
      throw error;
    }
    const owners = this.#masks.get(parameter.name) ?? new Map<string, tf.Tensor>();
    this.#masks.set(parameter.name, owners);
    const before = owners.get(owner);
    if (before !== mask) before?.dispose();
    if (mask === null) owners.delete(owner);
    else owners.set(owner, tf.keep(mask));
    this.#combine(parameter);
    this.#refresh(parameter);
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

  #checkMask(parameter: Parameter, mask: tf.Tensor | null, owner: string): void {
    if (mask !== null && mask.shape.join() !== parameter.shape.join()) {
      throw new EspalierError(
        'shape-mismatch',
        `A mask of shape [${mask.shape}] was given for ${parameter.name} of shape [${parameter.shape}].`,
      );
    }
    if (mask !== null && this.#shared.has(parameter.name)) {
      throw new EspalierError(
        'invalid-schedule',
        `${owner} prunes ${parameter.name}, whose values are shared.`,
        { remedy: 'Prune first, quantise after.' },
      );
    }
  }

  #combine(parameter: Parameter): void {
    const owners = [...(this.#masks.get(parameter.name)?.values() ?? [])];
    const before = this.#combined.get(parameter.name);
    before?.dispose();
    this.#combined.delete(parameter.name);
    if (owners.length === 0) return;
    // A tensor of its own even for one owner: the owners' masks and this one are disposed separately.
    const combined = tf.tidy(() =>
      owners.slice(1).reduce((a, b) => tf.mul(a, b), tf.cast(owners[0], 'float32')),
    );
    this.#combined.set(parameter.name, tf.keep(combined === owners[0] ? tf.clone(combined) : combined));
  }

  /**
   * Calls a pruner once and applies its masks: what a loop of one's own needs. A pruner that measures something
   * beforehand (it has a `start`) is started by its user: `await pruner.start(run, run.select())`.
   *
   * Done when it returns, unless a backend (WebGPU) or a pruner takes its time: then there is a promise to await.
   */
  prune(pruner: Pruner, selector?: Selector, at: Moment = once()): void | Promise<void> {
    const set = (masks: ReadonlyMap<Parameter, tf.Tensor>): void =>
      this.setMasks(masksFrom(pruner, masks), pruner.name);
    const masks = pruner.masks(this.select(selector), at, reading());
    return masks instanceof Promise ? masks.then(set) : set(masks);
  }

  /** Writes 0 into every pruned weight. A loop of one's own calls it after each of its steps. */
  applyMasks(): void {
    for (const parameter of this.#parameters)
      if (this.#combined.has(parameter.name)) this.#refresh(parameter);
  }

  #refresh(parameter: Parameter): void {
    const mask = this.#combined.get(parameter.name);
    const source = this.#dense.get(parameter.name) ?? parameter.variable;
    if (mask === undefined && source === parameter.variable) return;
    tf.tidy(() => parameter.variable.assign(maskedCopy(source, mask)));
  }

  /** The dense copy behind a parameter whose pruner revives weights, if there is one. The run owns it. */
  dense(parameter: Parameter): tf.Variable | undefined {
    return this.#dense.get(parameter.name);
  }

  /** Starts a dense copy: from now on pruned weights can come back. */
  keepDense(parameter: Parameter): tf.Variable {
    const existing = this.#dense.get(parameter.name);
    if (existing !== undefined) return existing;
    const dense = tf.tidy(() => tf.variable(tf.clone(parameter.variable), true));
    this.#dense.set(parameter.name, dense);
    return dense;
  }

  /** Drops a dense copy: what is pruned now stays pruned. */
  dropDense(parameter: Parameter): void {
    this.#dense.get(parameter.name)?.dispose();
    this.#dense.delete(parameter.name);
  }

  /** How a parameter's values are shared, if they are. */
  shared(parameter: Parameter): QuantizedTensor | undefined {
    return this.#shared.get(parameter.name);
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
    for (const [parameter, { indices }] of tensors) {
      if (indices.length === parameter.size) continue;
      throw new EspalierError(
        'shape-mismatch',
        `${indices.length} indices were given for ${parameter.name} of ${parameter.size} elements.`,
      );
    }
    const masked = tensors.filter(([parameter]) => this.#combined.has(parameter.name));
    return read(
      () => masked.map(([parameter]) => this.#combined.get(parameter.name)!),
      (masks) => {
        for (const [i, [parameter, tensor]] of masked.entries()) checkZeros(parameter, tensor, masks[i]);
        for (const [parameter, tensor] of tensors) {
          this.#shared.set(parameter.name, tensor);
          assign(parameter.variable, dequantize(tensor));
        }
      },
    );
  }

  /** @internal Shared values as fine-tuning has moved them; which weights share which is as before. */
  moveShared(parameter: Parameter, codebook: Float32Array): void {
    const moved = { ...this.#shared.get(parameter.name)!, codebook };
    this.#shared.set(parameter.name, moved);
    assign(parameter.variable, dequantize(moved));
  }

  /** Calls a quantizer once and shares the values it finds. */
  async quantize(quantizer: Quantizer, selector?: Selector, at: Moment = once()): Promise<void> {
    const tensors = await quantizer.quantize(this.select(selector), at, readLater);
    await this.shareAll(quantizedFrom(quantizer, tensors));
  }

  /** Lets a parameter's values go free again. */
  unshare(parameter: Parameter): void {
    this.#shared.delete(parameter.name);
  }

  /**
   * The variance of a parameter's posterior, weight by weight, where a plugin has learned one: how far a weight
   * may be moved. The run owns the tensor.
   */
  variance(parameter: Parameter): tf.Tensor | undefined {
    return this.#variances.get(parameter.name);
  }

  /**
   * Remembers the variance of a parameter's posterior; thinning cuts it along, and it is saved. Takes ownership
   * of the tensor, also where it throws. @throws EspalierError `shape-mismatch`
   */
  setVariance(parameter: Parameter, variance: tf.Tensor): void {
    if (variance.shape.join() !== parameter.shape.join()) {
      variance.dispose();
      throw new EspalierError(
        'shape-mismatch',
        `A variance of shape [${variance.shape}] was given for ${parameter.name} of shape [${parameter.shape}].`,
      );
    }
    this.#variances.get(parameter.name)?.dispose();
    this.#variances.set(parameter.name, tf.keep(variance));
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

  /** Puts a transformed model in the model's place, cutting masks and shared values along with it. */
  replaceModel({ model, kept }: Transformed): void {
    const before = this.#parameters;
    this.#model = model;
    this.#parameters = parametersOf(model);
    const now = new Map(this.#parameters.map((p) => [p.name, p]));
    for (const old of before) {
      const selections = kept?.get(old.name);
      const next = now.get(old.name);
      const owners = this.#masks.get(old.name);
      this.#masks.delete(old.name);
      this.#combined.get(old.name)?.dispose();
      this.#combined.delete(old.name);
      this.dropDense(old);
      this.#shared.delete(old.name);
      const variance = this.#variances.get(old.name);
      this.#variances.delete(old.name);
      if (variance !== undefined) {
        const cut = cutTensor(variance, selections ?? []);
        if (cut.shape.join() === next?.shape.join()) this.setVariance(next, cut);
        else cut.dispose();
        variance.dispose();
      }
      for (const [owner, mask] of owners ?? []) {
        const cut = next === undefined ? undefined : cutTensor(mask, selections ?? []);
        if (next !== undefined && cut !== undefined && cut.shape.join() === next.shape.join()) {
          this.setMask(next, cut, owner);
        } else {
          cut?.dispose();
        }
        mask.dispose();
      }
    }
  }

  /** Weights, masks, dense copies, variances and shared values, as they are now. */
  async save(): Promise<PluginState> {
    const kept: [string, tf.Tensor][] = [];
    const shares: Record<string, StateArray> = {};
    for (const p of this.#parameters) {
      kept.push([`weight:${p.name}`, p.variable]);
      for (const [owner, mask] of this.#masks.get(p.name) ?? []) kept.push([`mask:${p.name}:${owner}`, mask]);
      const dense = this.#dense.get(p.name);
      if (dense !== undefined) kept.push([`dense:${p.name}`, dense]);
      const variance = this.#variances.get(p.name);
      if (variance !== undefined) kept.push([`variance:${p.name}`, variance]);
      const shared = this.#shared.get(p.name);
      if (shared === undefined) continue;
      shares[`codebook:${p.name}`] = shared.codebook;
      shares[`indices:${p.name}`] = shared.indices;
      shares[`fixed:${p.name}`] = Int32Array.from(shared.fixed ?? []);
    }
    const arrays = await readLater(
      () => kept.map(([, tensor]) => tensor),
      (numbers): [string, StateArray][] =>
        kept.map(([key], i) => [key, key.startsWith('mask:') ? Uint8Array.from(numbers[i]) : numbers[i]]),
    );
    return { arrays: { ...Object.fromEntries(arrays), ...shares } };
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
    this.dispose();
    for (const p of this.#parameters) {
      assign(p.variable, arrays[`weight:${p.name}`] as Float32Array);
      for (const [key, array] of Object.entries(arrays)) {
        const prefix = `mask:${p.name}:`;
        if (!key.startsWith(prefix)) continue;
        this.setMask(p, tf.tensor(Float32Array.from(array), p.shape as number[]), key.slice(prefix.length));
      }
      const dense = arrays[`dense:${p.name}`];
      if (dense !== undefined) assign(this.keepDense(p), dense as Float32Array);
      const variance = arrays[`variance:${p.name}`];
      if (variance !== undefined)
        this.setVariance(p, tf.tensor(variance as Float32Array, p.shape as number[], 'float32'));
      const codebook = arrays[`codebook:${p.name}`];
      if (codebook !== undefined) {
        this.#shared.set(p.name, {
          codebook: codebook as Float32Array,
          indices: arrays[`indices:${p.name}`] as Uint8Array,
          fixed: [...arrays[`fixed:${p.name}`]],
        });
      }
    }
  }

  /** Frees masks, dense copies and variances; the model stays. */
  dispose(): void {
    for (const owners of this.#masks.values()) for (const mask of owners.values()) mask.dispose();
    for (const mask of this.#combined.values()) mask.dispose();
    for (const dense of this.#dense.values()) dense.dispose();
    for (const variance of this.#variances.values()) variance.dispose();
    for (const map of [this.#masks, this.#combined, this.#dense, this.#shared, this.#variances]) map.clear();
  }
}

function assign(variable: tf.Variable, values: Float32Array): void {
  const tensor = tf.tensor(values, variable.shape, 'float32');
  variable.assign(tensor as tf.Tensor);
  tensor.dispose();
}
