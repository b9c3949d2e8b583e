import { checkOptions, EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** How often, and on how many examples, models are timed. */
export interface TimingOptions {
  /** Examples per call. Default 1. */
  readonly batchSize?: number;
  /** Measured calls of each model, after three that are not. Default 21. */
  readonly repeats?: number;
  /** Ends earlier, after at least seven calls of each model, when they have taken so many seconds. Default: never. */
  readonly seconds?: number;
  /** Shapes of one example of each input, where the model leaves sizes open. */
  readonly inputShapes?: readonly (readonly number[])[];
}

/** Wall-clock times of `predict`, in milliseconds per call. */
export interface InferenceTime {
  readonly median: number;
  readonly fastest: number;
  /** A quarter of the calls was faster than the first, a quarter slower than the second. */
  readonly quartiles: readonly [number, number];
  readonly batchSize: number;
  /** The TF.js backend that was measured. */
  readonly backend: string;
}

/** Two models side by side. */
export interface InferenceComparison {
  readonly before: InferenceTime;
  readonly after: InferenceTime;
  /** How many times faster `after` is, by pairs of calls: the median, and where it lies with 95 % confidence. */
  readonly faster: { readonly median: number; readonly low: number; readonly high: number };
}

/**
 * Measures how long a model takes, on the backend that is active, with inputs of zeros (integers too); the
 * result is read back, so that nothing is left to run.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { timeInference } from '@espalier/pruners-structured';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [2] })] });
 * const { median, backend } = await timeInference(model, { repeats: 3 });
 * if (!(median > 0) || backend !== 'cpu') throw new Error(`${median} ${backend}`);
 * ```
 */
export async function timeInference(model: LayersModel, options: TimingOptions = {}): Promise<InferenceTime> {
  const [times] = await alternate([model], options);
  return summary(times, options);
}

/**
 * Measures two models in turns, so that what else the machine does meets both alike, and compares call by call. Where
 * `low` <= 1 <= `high` no difference is shown.
 *
 * Source of the interval: Thompson (1936), "On confidence ranges for the median and other expectation distributions for
 * populations of unknown distribution form": order statistics, whatever the distribution.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { compareInference } from '@espalier/pruners-structured';
 * const net = (units: number) =>
 *   tfl.sequential({ layers: [tfl.layers.dense({ units, inputShape: [500] }), tfl.layers.dense({ units: 1 })] });
 * const { faster } = await compareInference(net(2000), net(20), { batchSize: 10 });
 * if (!(faster.low > 1)) throw new Error(JSON.stringify(faster));
 * ```
 */
export async function compareInference(
  before: LayersModel,
  after: LayersModel,
  options: TimingOptions = {},
): Promise<InferenceComparison> {
  const [first, second] = await alternate([before, after], options);
  const ratios = first.map((milliseconds, i) => milliseconds / second[i]);
  return { before: summary(first, options), after: summary(second, options), faster: medianOf(ratios) };
}

/** As many calls have a median that lies between two of them with 95 % confidence. */
const enough = 7;

/** Milliseconds of the calls of each model, which take turns. */
async function alternate(models: readonly LayersModel[], options: TimingOptions): Promise<number[][]> {
  checkOptions('timeInference', options, ['batchSize', 'repeats', 'seconds', 'inputShapes']);
  const { batchSize = 1, repeats = 21, seconds = Number.POSITIVE_INFINITY, inputShapes } = options;
  if (!(seconds > 0)) {
    throw new EspalierError('invalid-option', `timeInference: seconds is ${seconds}.`, {
      remedy: 'Give a number > 0.',
    });
  }
  for (const [name, value] of Object.entries({ batchSize, repeats })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new EspalierError('invalid-option', `timeInference: ${name} is ${value}.`, {
      remedy: 'Give a whole number >= 1.',
    });
  }
  const shapes = models.map((model) => shapesOf(model, batchSize, inputShapes));
  const inputs = models.map((model, m) =>
    model.inputs.map(({ dtype }, i) => tf.zeros(shapes[m][i], dtype === 'int32' ? 'int32' : 'float32')),
  );
  const times: number[][] = models.map(() => []);
  try {
    const end = performance.now() + 1000 * seconds;
    for (let i = -3; i < repeats; i++) {
      if (i >= enough && performance.now() > end) break;
      for (const [m, model] of models.entries()) {
        const began = performance.now();
        const outputs = [model.predict(inputs[m], { batchSize })].flat() as tf.Tensor[];
        for (const output of outputs) await output.data();
        if (i >= 0) times[m].push(performance.now() - began);
        tf.dispose(outputs);
      }
    }
  } finally {
    tf.dispose(inputs);
  }
  return times;
}

function shapesOf(
  { inputs }: LayersModel,
  batchSize: number,
  inputShapes: TimingOptions['inputShapes'],
): number[][] {
  return inputs.map(({ shape, name }, i) => {
    const sizes = inputShapes?.[i] ?? shape.slice(1);
    if (!sizes.includes(null as never)) return [batchSize, ...(sizes as number[])];
    throw new EspalierError('invalid-option', `timeInference: the input ${name} has open sizes.`, {
      remedy: 'Give inputShapes, for example [[224, 224, 3]].',
    });
  });
}

function summary(times: readonly number[], { batchSize = 1 }: TimingOptions): InferenceTime {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))];
  const backend = tf.getBackend();
  return { median: at(0.5), fastest: sorted[0], quartiles: [at(0.25), at(0.75)], batchSize, backend };
}

/** The median of numbers, and the narrowest pair of them that holds the true one with 95 % confidence. */
export function medianOf(numbers: readonly number[]): InferenceComparison['faster'] {
  const sorted = numbers.toSorted((a, b) => a - b);
  const n = sorted.length;
  // The true median lies below the k-th smallest when fewer than k of n fair coins show heads.
  let k = 0;
  for (let coins = 0.5 ** n, below = coins; below <= 0.025; k++) {
    coins *= (n - k) / (k + 1);
    below += coins;
  }
  const outer = Math.max(0, k - 1);
  const middle = (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
  return { median: middle, low: sorted[outer], high: sorted[n - 1 - outer] };
}
