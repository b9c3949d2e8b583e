import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from './executable.js';
import {
  asAngles,
  compare,
  type Fidelity,
  isDistribution,
  joinOutputs,
  type Output,
  peaksOf,
  readOutputs,
} from './fidelity.js';
import type { Rounded } from './quantize.js';

/** Measures models against the outputs of the original. */
export class Bench {
  readonly peaks: readonly number[];
  readonly #batches: readonly Examples[];
  readonly #original: readonly Output[];
  readonly #twins: ReadonlyMap<string, string>;

  /** @param peak - What every output spans; default: what it spans on `batches`. */
  constructor(
    original: Executable,
    batches: readonly Examples[],
    twins: ReadonlyMap<string, string>,
    peak?: number,
  ) {
    this.#batches = batches;
    this.#twins = twins;
    this.#original = this.#outputs(original);
    this.peaks = peaksOf(this.#original.map(({ values }) => values)).map((own) => peak ?? own);
  }

  /** How near another model is. */
  fidelity(model: Executable): Fidelity {
    return compare(this.#original, this.#outputs(model), this.peaks);
  }

  /** PSNR of a model with these weights in place of its own. */
  psnr(model: Executable, rounded: ReadonlyMap<string, Rounded>): number {
    return this.#with(
      model,
      rounded,
      (tensors) => compare(this.#original, this.#outputs(model, tensors), this.peaks).psnr,
    );
  }

  /** Which outputs are probabilities: small errors in them are counted as angles. */
  get distributions(): boolean[] {
    return this.#original.map(isDistribution);
  }

  /** The error that these weights make on one batch, against what the model itself gives there: a mean square. */
  error(
    model: Executable,
    rounded: ReadonlyMap<string, Rounded>,
    batch: Examples,
    outputs: readonly Output[],
  ): number {
    const run = (tensors: ReadonlyMap<string, tf.Tensor>): Output[] => readOutputs(model.run(batch, tensors));
    const others = this.#with(model, rounded, run);
    return 10 ** (-compare(outputs.map(asAngles), others.map(asAngles), this.peaks).psnr / 10);
  }

  #outputs(model: Executable, values?: ReadonlyMap<string, tf.Tensor>): Output[] {
    return joinOutputs(this.#batches.map((batch) => readOutputs(model.run(batch, values))));
  }

  /** Calls `action` with these weights as tensors, and disposes them. */
  #with<T>(
    model: Executable,
    rounded: ReadonlyMap<string, Rounded>,
    action: (tensors: ReadonlyMap<string, tf.Tensor>) => T,
  ): T {
    const tensors = new Map<string, tf.Tensor>();
    for (const [name, { values }] of rounded) {
      const tensor = tf.tensor(values, [...(model.weights.get(name)?.shape ?? [])], 'float32');
      tensors.set(name, tensor);
      for (const [twin, of] of this.#twins) if (of === name) tensors.set(twin, tensor);
    }
    try {
      return action(tensors);
    } finally {
      tf.dispose([...tensors.values()]);
    }
  }
}
