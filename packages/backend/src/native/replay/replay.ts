import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend, Stored } from '../ops.js';
import { difference, type Matched } from './match.js';
import { compile, type StepProgram } from './program.js';
import { type Source, type Trace, trace } from './trace.js';

/** Where a value is kept between steps. */
interface Kept {
  /** A variable may be assigned between steps; what it then has is worked with. */
  readonly variable: tf.Variable | undefined;
  readonly dataId: tf.DataId;
  readonly stored: Stored;
  /** How many tensors shared it. */
  readonly shared: number;
}

/** What has become of a replay: the step was taken; a value is shared with a copy just now; it is no step for this program. */
export type Outcome = 'taken' | 'shared' | 'changed';

/** A step's program, and where what it works on is kept. */
export class Replay {
  readonly #program: StepProgram;
  readonly #shapes: string;
  #kept: readonly Kept[];
  /** Of the values from outside and of the results, where they are kept. */
  #sources: readonly (Kept | undefined)[];
  #results: readonly { readonly kept: Kept; readonly taken: boolean }[];

  constructor(
    private readonly backend: NativeBackend,
    private step: Trace,
    private readonly matched: Matched,
    inputs: readonly tf.Tensor[],
  ) {
    const { outside, carried } = matched;
    this.#program = compile(backend, step, matched);
    this.#shapes = shapesOf(inputs);
    const given = new Set(inputs.map(({ dataId }) => dataId));
    const byStored = new Map<Stored, Kept>();
    for (const one of keptOf(step, backend)) if (!given.has(one.dataId)) byStored.set(one.stored, one);
    this.#kept = [...byStored.values()];
    const byId = new Map(this.#kept.map((one) => [one.stored.id, one]));
    const placeOf = (source: Source): Kept => byStored.get(carried.get(source)!.stored)!;
    this.#sources = outside.map((one) => {
      if (one.is === 'input') return undefined;
      return one.is === 'fixed' ? byId.get(one.id) : placeOf(one.source);
    });
    const taken = new Set(outside.flatMap((one) => (one.is === 'carried' ? one.source : [])));
    this.#results = this.#program.results.map((source) => ({
      kept: placeOf(source),
      taken: taken.has(source),
    }));
  }

  #place({ variable, stored }: Kept): Stored {
    return variable === undefined ? stored : this.backend.tensorMap.get(variable.dataId);
  }

  #isThere({ variable, dataId }: Kept): boolean {
    return variable === undefined ? this.backend.tensorMap.has(dataId) : !variable.isDisposed;
  }

  /** The ids of the values from outside, as they are now; undefined of what is gone. */
  #values(given: readonly number[]): (number | undefined)[] {
    return this.matched.outside.map((one, i) => {
      if (one.is === 'input') return given[one.index];
      const source = this.#sources[i]!;
      if (!this.#isThere(source)) return undefined;
      const { variable, dataId } = source;
      return this.backend.getInputTensorIds([variable ?? ({ dataId } as tf.Tensor)])[0];
    });
  }

  /**
   * Takes a step by `step`, and looks whether this program would have taken the same one. Values that stay from step to step may be
   * others since (masks), in the same shapes: the program goes on with these, and with the numbers of this step.
   *
   * @returns whether it is the same step
   */
  again(inputs: readonly tf.Tensor[], step: () => string | undefined): boolean {
    const { backend, matched } = this;
    const given = backend.getInputTensorIds(inputs);
    const before = this.#values(given);
    const now = trace(backend, step);
    now.forget();
    if (now.reason !== undefined || difference(this.step, now) !== undefined) return false;
    if (now.outside.length !== matched.outside.length || shapesOf(inputs) !== this.#shapes) return false;
    const kept = keptOf(now, backend);
    const moved = new Map<Kept, Kept>();
    const move = (from: Kept, id: number): boolean => {
      const to = kept.find(({ stored }) => stored.id === id);
      if (to === undefined || shapeOf(to.stored) !== shapeOf(from.stored)) return false;
      moved.set(from, to);
      return true;
    };
    for (const [i, one] of matched.outside.entries()) {
      const id = now.outside[i];
      if (before[i] !== id && !(one.is === 'fixed' && move(this.#sources[i]!, id))) return false;
    }
    const left = new Map([...now.left].map(([id, source]) => [source, id]));
    for (const [i, { kept }] of this.#results.entries()) {
      const id = left.get(this.#program.results[i]);
      if (id === undefined) return false;
      if (!(this.#isThere(kept) && this.#place(kept).id === id) && !move(kept, id)) return false;
    }
    const at = <One extends Kept | undefined>(one: One): One | Kept => (one && moved.get(one)) ?? one;
    this.#kept = this.#kept.map(at);
    this.#sources = this.#sources.map(at);
    this.#results = this.#results.map(({ kept, taken }) => ({ kept: at(kept), taken }));
    this.step = now;
    return true;
  }

  /** Takes a step like the one that was recorded. */
  run(inputs: readonly tf.Tensor[]): Outcome {
    const { binding } = this.backend;
    if (shapesOf(inputs) !== this.#shapes || !this.#kept.every((one) => this.#isThere(one))) return 'changed';
    if (this.#kept.some((one) => this.#place(one).refCount !== one.shared)) return 'shared';
    for (const work of this.step.effects) work();
    const given = this.backend.getInputTensorIds(inputs);
    const numbers = this.#program.numbers.map(({ index, constant }) => {
      const { shape, dtype, make } = this.step.numbers[index];
      return constant ?? binding.createTensor(shape, dtype, make!().slice());
    });
    const results = binding.runProgram!(
      this.#program.id,
      [...(this.#values(given) as number[]), ...numbers],
      true,
    );
    for (const [i, { kept, taken }] of this.#results.entries()) {
      const place = this.#place(kept);
      if (!taken) this.#forget(place); // Replaced without having been looked at.
      place.id = results[i];
    }
    return 'taken';
  }

  #forget(place: Stored): void {
    if (place.id >= 0) this.backend.binding.deleteTensor(place.id);
    place.values = null;
  }

  /** Runs the program on what the recorded step found; undefined where it comes to what the step left, or what is wrong. */
  compare(inputs: readonly number[]): string | undefined {
    const { binding } = this.backend;
    const ids = [
      ...this.matched.outside.map((one, i) =>
        one.is === 'input' ? inputs[one.index] : this.step.outside[i],
      ),
      ...this.#program.numbers.map(({ index }) => this.step.numbers[index].id),
    ];
    const results = binding.runProgram!(this.#program.id, ids, false);
    try {
      const left = new Map([...this.step.left].map(([id, source]) => [source, id]));
      for (const [i, source] of this.#program.results.entries()) {
        const [ours, theirs] = [results[i], left.get(source)!].map((id) => binding.tensorDataSync(id));
        if (!bytesOf(ours).equals(bytesOf(theirs))) return 'its replay comes to other numbers';
      }
      return undefined;
    } finally {
      for (const id of results) binding.deleteTensor(id);
    }
  }

  dispose(): void {
    this.#program.dispose();
  }
}

/** Where what a step works with is kept. */
function keptOf({ places }: Trace, { tensorMap }: NativeBackend): Kept[] {
  const { registeredVariables } = tf.engine().state;
  const variables = new Map(Object.values(registeredVariables).map((v) => [v.dataId, v]));
  return places
    .filter(({ dataId }) => tensorMap.has(dataId))
    .map(({ dataId, stored }) => ({
      variable: variables.get(dataId),
      dataId,
      stored,
      shared: stored.refCount,
    }));
}

const shapeOf = ({ shape, dtype }: Stored): string => `${dtype} ${shape}`;

const shapesOf = (tensors: readonly tf.Tensor[]): string =>
  tensors.map(({ shape, dtype }) => `${dtype} ${shape}`).join(';');

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
