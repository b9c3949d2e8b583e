import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from '../model/model.js';
import { Classes } from './accuracy.js';
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
import { leastPsnr, ownSpans, typicalSpans } from './worst-output.js';

/** Other values of some weights. */
type Values = ReadonlyMap<string, { readonly values: Float32Array }>;

/** Measures models against the outputs of the original. */
export class Bench {
  readonly peaks: readonly number[];
  /** In these units an output's error counts as much as the figure lets it count. */
  readonly units: readonly number[];
  /** Outputs whose peak is a floor, by their places. */
  readonly floored: readonly number[];
  readonly #batches: readonly Examples[];
  readonly #original: readonly Output[];
  readonly #twins: ReadonlyMap<string, string>;
  readonly #spans: readonly Float64Array[];
  readonly #worst: boolean;
  readonly #classes: Classes | undefined;

  private constructor(
    original: readonly Output[],
    batches: readonly Examples[],
    twins: ReadonlyMap<string, string>,
    peak: number | undefined,
    worst: boolean,
    labels: tf.Tensor | undefined,
  ) {
    this.#worst = worst;
    this.#classes = labels && new Classes(labels, original);
    this.#batches = batches;
    this.#twins = twins;
    this.#original = original;
    const spans = original.map(({ values }) => spanOf(values));
    this.peaks = spans.map((span) => peak ?? span.peak);
    this.floored = peak === undefined ? spans.flatMap(({ floored }, o) => (floored ? [o] : [])) : [];
    // An output need not have an axis that counts them.
    const examples = batches.reduce((n, [input]) => n + (input?.shape[0] ?? 1), 0);
    this.#spans =
      peak === undefined
        ? ownSpans(original, this.peaks, examples)
        : original.map(() => new Float64Array(examples).fill(peak));
    this.units = worst ? typicalSpans(this.#spans) : this.peaks;
  }

  /**
   * @param peak - What every output spans; default: what it spans on `batches`, see `Span`.
   * @param worst - Is the figure that of the worst output of one example, or that of all?
   * @param labels - The classes of the examples, where it is how many are right that counts.
   * @throws EspalierError `not-finite`, `cannot-run`; as `Classes`
   */
  static async of(
    model: Executable,
    batches: readonly Examples[],
    twins: ReadonlyMap<string, string>,
    peak?: number,
    worst = false,
    labels?: tf.Tensor,
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
    return new Bench(original, batches, twins, peak, worst, labels);
  }

  /** How near another model is. */
  async fidelity(model: Executable): Promise<Fidelity> {
    const outputs = await outputsOf(model, this.#batches);
    const all = compare(this.#original, outputs, this.peaks);
    const least = leastPsnr(this.#original, outputs, this.#spans);
    const lost = this.#classes?.surelyLost(outputs);
    const measured = { ...all, least, ...(lost !== undefined && { lost }), examples: this.#spans[0].length };
    return this.#worst ? { ...measured, psnr: least, mean: all.psnr } : measured;
  }

  #psnrOf(outputs: readonly Output[]): number {
    return this.#worst
      ? leastPsnr(this.#original, outputs, this.#spans)
      : compare(this.#original, outputs, this.peaks).psnr;
  }

  /** PSNR of a model with these weights in place of its own. */
  psnr(model: Executable, rounded: Values): Promise<number> {
    return this.#with(model, rounded, async (tensors) =>
      this.#psnrOf(await outputsOf(model, this.#batches, tensors)),
    );
  }

  /** What an aim asks of a model with these weights: the points that it surely loses, where classes are known, else its PSNR. */
  figure(model: Executable, rounded: Values): Promise<number> {
    return this.#with(model, rounded, async (tensors) => {
      const outputs = await outputsOf(model, this.#batches, tensors);
      return this.#classes?.surelyLost(outputs) ?? this.#psnrOf(outputs);
    });
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
    return 10 ** (-compare(felt(outputs), felt(others), this.units).psnr / 10);
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

/** All that a model gives for examples. */
export async function outputsOf(
  model: Executable,
  batches: readonly Examples[],
  values?: ReadonlyMap<string, tf.Tensor>,
): Promise<Output[]> {
  const outputs: Output[][] = [];
  for (const batch of batches) outputs.push(readOutputs(await model.run(batch, values)));
  return joinOutputs(outputs);
}
