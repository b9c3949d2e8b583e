import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend, Stored } from '../ops.js';
import type { Matched } from './match.js';
import { compile, type StepProgram } from './program.js';
import type { Source, Trace } from './trace.js';

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
  readonly #kept: readonly Kept[];
  /** Of the values from outside and of the results, where they are kept. */
  readonly #sources: readonly (Kept | undefined)[];
  readonly #results: readonly { readonly kept: Kept; readonly taken: boolean }[];

  constructor(
    private readonly backend: NativeBackend,
    private readonly step: Trace,
    private readonly matched: Matched,
    inputs: readonly tf.Tensor[],
  ) {
    const { outside, carried } = matched;
    this.#program = compile(backend, step, matched);
    this.#shapes = shapesOf(inputs);
    const given = new Set(inputs.map(({ dataId }) => dataId));
    const { registeredVariables } = tf.engine().state;
    const variables = new Map(Object.values(registeredVariables).map((v) => [v.dataId, v]));
    const byStored = new Map<Stored, Kept>();
    for (const { dataId, stored } of step.places) {
      if (!backend.tensorMap.has(dataId) || given.has(dataId)) continue;
      byStored.set(stored, { variable: variables.get(dataId), dataId, stored, shared: stored.refCount });
    }
    this.#kept = [...byStored.values()];
    const byId = new Map(this.#kept.map((one) => [one.stored.id, one]));
    const keptOf = (source: Source): Kept => byStored.get(carried.get(source)!.stored)!;
    this.#sources = outside.map((one) => {
      if (one.is === 'input') return undefined;
      return one.is === 'fixed' ? byId.get(one.id) : keptOf(one.source);
    });
    const taken = new Set(outside.flatMap((one) => (one.is === 'carried' ? one.source : [])));
    this.#results = this.#program.results.map((source) => ({
      kept: keptOf(source),
      taken: taken.has(source),
    }));
  }

  #place({ variable, stored }: Kept): Stored {
    return variable === undefined ? stored : this.backend.tensorMap.get(variable.dataId);
  }

  /** Takes a step like the one that was recorded. */
  run(inputs: readonly tf.Tensor[]): Outcome {
    const { tensorMap, binding } = this.backend;
    if (shapesOf(inputs) !== this.#shapes) return 'changed';
    for (const { variable, dataId } of this.#kept) {
      if (variable === undefined ? !tensorMap.has(dataId) : variable.isDisposed) return 'changed';
    }
    if (this.#kept.some((one) => this.#place(one).refCount !== one.shared)) return 'shared';
    for (const work of this.step.effects) work();
    const given = this.backend.getInputTensorIds(inputs);
    const numbers = this.#program.numbers.map(({ index, constant }) => {
      const { shape, dtype, make } = this.step.numbers[index];
      return constant ?? binding.createTensor(shape, dtype, make!().slice());
    });
    const values = this.matched.outside.map((one, i) => {
      if (one.is === 'input') return given[one.index];
      const { variable, dataId } = this.#sources[i]!;
      return this.backend.getInputTensorIds([variable ?? ({ dataId } as tf.Tensor)])[0];
    });
    const results = binding.runProgram!(this.#program.id, [...values, ...numbers], true);
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

const shapesOf = (tensors: readonly tf.Tensor[]): string =>
  tensors.map(({ shape, dtype }) => `${dtype} ${shape}`).join(';');

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
