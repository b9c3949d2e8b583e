import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from '../model/model.js';
import {
  asAngles,
  compare,
  type Fidelity,
  isDistribution,
  joinOutputs,
  type Output,
  readOutputs,
  spanOf,
} from './fidelity.js';
import { errorsOf, leastPsnr, psnrOfWorst } from './worst-part.js';

/** Other values of some weights. */
type Values = ReadonlyMap<string, { readonly values: Float32Array }>;

/** Measures models against the outputs of the original. */
export class Bench {
  readonly peaks: readonly number[];
  /** Outputs whose peak is a floor, by their places. */
  readonly floored: readonly number[];
  readonly #batches: readonly Examples[];
  readonly #original: readonly Output[];
  readonly #twins: ReadonlyMap<string, string>;
  readonly #part: number;
  readonly #given: boolean;

  private constructor(
    original: readonly Output[],
    batches: readonly Examples[],
    twins: ReadonlyMap<string, string>,
    peak: number | undefined,
    part: number,
  ) {
    this.#part = part;
    this.#given = peak !== undefined;
    this.#batches = batches;
    this.#twins = twins;
    this.#original = original;
    const spans = original.map(({ values }) => spanOf(values));
    this.peaks = spans.map((span) => peak ?? span.peak);
    this.floored = peak === undefined ? spans.flatMap(({ floored }, o) => (floored ? [o] : [])) : [];
  }

  /**
   * @param peak - What every output spans; default: what it spans on `batches`, see `Span`.
   * @param part - Of the examples, those with most error, that a PSNR is of.
   * @throws EspalierError `not-finite`, `cannot-run`
   */
  static async of(
    model: Executable,
    batches: readonly Examples[],
    twins: ReadonlyMap<string, string>,
    peak?: number,
    part = 1,
  ): Promise<Bench> {
    const original = await outputsOf(model, batches);
    if (original.length === 0) {
      throw new EspalierError(
        'cannot-run',
        'No output of the model is a float: there is nothing to measure.',
        {
          remedy: 'compressWeights takes the weights by themselves.',
        },
      );
    }
    const bad = original.findIndex(({ values }) => values.some(Number.isNaN));
    if (bad >= 0) {
      throw new EspalierError('not-finite', `Output ${bad} of the model has values that are not numbers.`, {
        remedy: 'Give inputs as the model will meet them.',
      });
    }
    return new Bench(original, batches, twins, peak, part);
  }

  /** How near another model is. */
  async fidelity(model: Executable): Promise<Fidelity> {
    const outputs = await outputsOf(model, this.#batches);
    const examples = this.#examples;
    const least = leastPsnr(this.#original, outputs, this.peaks, examples, this.#given);
    const measured = { ...compare(this.#original, outputs, this.peaks), least, examples };
    return this.#part < 1 ? { ...measured, psnr: this.#psnrOf(outputs), part: this.#part } : measured;
  }

  /** An output need not have an axis that counts them. */
  get #examples(): number {
    return this.#batches.reduce((n, [input]) => n + (input?.shape[0] ?? 1), 0);
  }

  #psnrOf(outputs: readonly Output[]): number {
    if (this.#part === 1) return compare(this.#original, outputs, this.peaks).psnr;
    return psnrOfWorst(errorsOf(this.#original, outputs, this.peaks, this.#examples), this.#part);
  }

  /** PSNR of a model with these weights in place of its own. */
  psnr(model: Executable, rounded: Values): Promise<number> {
    return this.#with(model, rounded, async (tensors) =>
      this.#psnrOf(await outputsOf(model, this.#batches, tensors)),
    );
  }

  /** Which outputs are probabilities: small errors in them are counted as angles. */
  get distributions(): boolean[] {
    return this.#original.map(isDistribution);
  }

  /** The error that these weights make on one batch, against what the model itself gives there: a mean square. */
  async error(
    model: Executable,
    rounded: Values,
    batch: Examples,
    outputs: readonly Output[],
  ): Promise<number> {
    const others = await this.#with(model, rounded, async (tensors) =>
      readOutputs(await model.run(batch, tensors)),
    );
    // The original says which are probabilities: others may be so by chance, or no longer quite.
    const kinds = outputs.map(isDistribution);
    const felt = (all: readonly Output[]): Output[] =>
      all.map((output, o) => (kinds[o] ? asAngles(output) : output));
    return 10 ** (-compare(felt(outputs), felt(others), this.peaks).psnr / 10);
  }

  /** Calls `action` with these weights as tensors, and disposes them. */
  async #with<T>(
    model: Executable,
    rounded: Values,
    action: (tensors: ReadonlyMap<string, tf.Tensor>) => Promise<T>,
  ): Promise<T> {
    const tensors = new Map<string, tf.Tensor>();
    for (const [name, { values }] of rounded) {
      const tensor = tf.tensor(values, [...(model.weights.get(name)?.shape ?? [])], 'float32');
      tensors.set(name, tensor);
      for (const [twin, of] of this.#twins) if (of === name) tensors.set(twin, tensor);
    }
    try {
      return await action(tensors);
    } finally {
      tf.dispose([...tensors.values()]);
    }
  }
}

async function outputsOf(
  model: Executable,
  batches: readonly Examples[],
  values?: ReadonlyMap<string, tf.Tensor>,
): Promise<Output[]> {
  const outputs: Output[][] = [];
  for (const batch of batches) outputs.push(readOutputs(await model.run(batch, values)));
  return joinOutputs(outputs);
}
