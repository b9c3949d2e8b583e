import * as tf from '@tensorflow/tfjs-core';
import { EspalierError } from '../errors.js';
import type { Parameter } from '../parameter.js';
import { dequantize, type QuantizedTensor } from '../quantized.js';
import type { AxisSelection, StateArray } from '../session.js';
import { cutArray, cutTensor } from './cut.js';
import { maskedCopy } from './masked.js';

/** An optimizer's slots of one weight (`m`, `v`, `momentum`), each in the weight's layout. */
export type Slots = Readonly<Record<string, Float32Array>>;

/**
 * What a run knows of one parameter: its masks and the dense copy behind them, its shared values, the variance of its
 * posterior, the slots an optimizer has left. Each knows here how it is saved, loaded, cut and disposed.
 *
 * Invariant: outside a call, a masked weight is exactly 0 and a shared weight is exactly its codebook entry.
 */
export class ParameterState {
  readonly parameter: Parameter;
  /** By owner: masks of different owners combine by AND. */
  readonly #masks = new Map<string, tf.Tensor>();
  /** A variable, for steps that are replayed find it where it was: another mask is other values in its place. */
  #mask: tf.Variable | undefined;
  #dense: tf.Variable | undefined;
  #shared: QuantizedTensor | undefined;
  #variance: tf.Tensor | undefined;
  slots: Slots | undefined;

  constructor(parameter: Parameter) {
    this.parameter = parameter;
  }

  get mask(): tf.Tensor | undefined {
    return this.#mask;
  }

  get dense(): tf.Variable | undefined {
    return this.#dense;
  }

  get shared(): QuantizedTensor | undefined {
    return this.#shared;
  }

  get variance(): tf.Tensor | undefined {
    return this.#variance;
  }

  /** Takes ownership of the mask, also where it throws. @throws EspalierError `shape-mismatch`, `invalid-schedule` */
  setMask(mask: tf.Tensor | null, owner: string): void {
    const { name } = this.parameter;
    if (mask !== null) this.#fits(mask, 'mask');
    if (mask !== null && this.#shared !== undefined) {
      mask.dispose();
      throw new EspalierError('invalid-schedule', `${owner} prunes ${name}, whose values are shared.`, {
        remedy: 'Prune first, quantise after.',
      });
    }
    const before = this.#masks.get(owner);
    if (before !== mask) before?.dispose();
    if (mask === null) this.#masks.delete(owner);
    else this.#masks.set(owner, tf.keep(mask));
    this.#combine();
    this.refresh();
  }

  /** Disposes a tensor of another shape, and throws. */
  #fits(tensor: tf.Tensor, what: string): void {
    const { name, shape } = this.parameter;
    if (tensor.shape.join() === shape.join()) return;
    tensor.dispose();
    throw new EspalierError(
      'shape-mismatch',
      `A ${what} of shape [${tensor.shape}] was given for ${name} of shape [${shape}].`,
    );
  }

  #combine(): void {
    const [first, ...others] = this.#masks.values();
    if (first === undefined) {
      this.#mask?.dispose();
      this.#mask = undefined;
      return;
    }
    tf.tidy(() => {
      const combined = others.reduce((a, b) => tf.mul(a, b), tf.cast(first, 'float32'));
      if (this.#mask === undefined) this.#mask = tf.variable(combined, false);
      else this.#mask.assign(combined);
    });
  }

  /** Writes 0 into every pruned weight. */
  refresh(): void {
    const { variable } = this.parameter;
    const source = this.#dense ?? variable;
    if (this.#mask === undefined && source === variable) return;
    tf.tidy(() => variable.assign(maskedCopy(source, this.#mask)));
  }

  keepDense(): tf.Variable {
    this.#dense ??= tf.tidy(() => tf.variable(tf.clone(this.parameter.variable), true));
    return this.#dense;
  }

  dropDense(): void {
    this.#dense?.dispose();
    this.#dense = undefined;
  }

  share(tensor: QuantizedTensor): void {
    this.#shared = tensor;
    assign(this.parameter.variable, dequantize(tensor));
  }

  unshare(): void {
    this.#shared = undefined;
  }

  /** Takes ownership of the variance, also where it throws. @throws EspalierError `shape-mismatch` */
  setVariance(variance: tf.Tensor): void {
    this.#fits(variance, 'variance');
    this.#variance?.dispose();
    this.#variance = tf.keep(variance);
  }

  /** What is saved: tensors, to be read, and arrays, each by the kind of thing it is. */
  saved(): { tensors: [key: string, tensor: tf.Tensor][]; arrays: [key: string, array: StateArray][] } {
    const { name, variable } = this.parameter;
    const tensors: [string, tf.Tensor][] = [[`weight:${name}`, variable]];
    const arrays: [string, StateArray][] = [];
    for (const [owner, mask] of this.#masks) tensors.push([`mask:${name}:${owner}`, mask]);
    if (this.#dense !== undefined) tensors.push([`dense:${name}`, this.#dense]);
    if (this.#variance !== undefined) tensors.push([`variance:${name}`, this.#variance]);
    if (this.#shared !== undefined) {
      const { codebook, indices, fixed = [] } = this.#shared;
      arrays.push([`codebook:${name}`, codebook], [`indices:${name}`, indices]);
      arrays.push([`fixed:${name}`, Int32Array.from(fixed)]);
    }
    for (const [slot, values] of Object.entries(this.slots ?? {}))
      arrays.push([`slot:${name}:${slot}`, values]);
    return { tensors, arrays };
  }

  /** Puts back what `saved` gave, read. */
  load(arrays: Readonly<Record<string, StateArray>>): void {
    this.dispose();
    const { name, shape, variable } = this.parameter;
    assign(variable, arrays[`weight:${name}`] as Float32Array);
    const slots: Record<string, Float32Array> = {};
    for (const [key, array] of Object.entries(arrays)) {
      const [mask, slot] = [`mask:${name}:`, `slot:${name}:`];
      if (key.startsWith(mask)) {
        this.setMask(tf.tensor(Float32Array.from(array), shape as number[]), key.slice(mask.length));
      } else if (key.startsWith(slot)) slots[key.slice(slot.length)] = array as Float32Array;
    }
    if (Object.keys(slots).length > 0) this.slots = slots;
    const dense = arrays[`dense:${name}`];
    if (dense !== undefined) assign(this.keepDense(), dense as Float32Array);
    const variance = arrays[`variance:${name}`];
    if (variance !== undefined)
      this.setVariance(tf.tensor(variance as Float32Array, shape as number[], 'float32'));
    const codebook = arrays[`codebook:${name}`];
    if (codebook === undefined) return;
    this.#shared = {
      codebook: codebook as Float32Array,
      indices: arrays[`indices:${name}`] as Uint8Array,
      fixed: [...arrays[`fixed:${name}`]],
    };
  }

  /**
   * Gives all that fits to the state of the parameter that is a cut of this one, whose weights are cut already. What
   * revives ends: a dense copy stays behind.
   */
  cutInto(next: ParameterState, selections: readonly AxisSelection[]): void {
    const { shape } = this.parameter;
    const cutShape = shape.map((n, axis) => selections.find((s) => s.axis === axis)?.indices.length ?? n);
    if (cutShape.join() !== next.parameter.shape.join()) return;
    const cut = <T extends StateArray>(values: T): T => cutArray(values, shape, selections);
    for (const [owner, mask] of this.#masks) next.setMask(cutTensor(mask, selections), owner);
    if (this.#variance !== undefined) next.setVariance(cutTensor(this.#variance, selections));
    if (this.#shared !== undefined) next.#shared = { ...this.#shared, indices: cut(this.#shared.indices) };
    if (this.slots === undefined) return;
    next.slots = Object.fromEntries(Object.entries(this.slots).map(([slot, values]) => [slot, cut(values)]));
  }

  /** Frees masks, the dense copy and the variance, and forgets the rest; the weight stays. */
  dispose(): void {
    tf.dispose([...this.#masks.values()]);
    this.#masks.clear();
    this.#mask?.dispose();
    this.dropDense();
    this.#variance?.dispose();
    this.#mask = undefined;
    this.#variance = undefined;
    this.#shared = undefined;
    this.slots = undefined;
  }
}

function assign(variable: tf.Variable, values: Float32Array): void {
  const tensor = tf.tensor(values, variable.shape, 'float32');
  variable.assign(tensor as tf.Tensor);
  tensor.dispose();
}
