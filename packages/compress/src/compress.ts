import { type ModelArtifacts, namedByPaths } from '@espalier/codec';
import { diff } from '@espalier/codec/update';
import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Calibration, examplesFor, type MeasuredOn } from './calibrate/calibration-inputs.js';
import type { Method } from './choose/quantize.js';
import type { Accuracy } from './fidelity/accuracy.js';
import { Bench } from './fidelity/bench.js';
import type { Fidelity } from './fidelity/fidelity.js';
import { load } from './model/load.js';
import type { Executable } from './model/model.js';
import { Tensors } from './model/tensors.js';
import { type CompressOptions, checkCompressOptions } from './options.js';
import { planAll } from './plan/all-tensors.js';
import { olderPlans, readOlder } from './plan/older-plans.js';
import { aimOf } from './search/aim.js';
import { coarsestSteps } from './search/coarsest-steps.js';
import { nearOlder } from './search/near-older.js';
import type { Trial } from './search/search.js';
import { countedSeconds, processorSeconds, Work } from './time-budget.js';
import { foldNormalizations } from './trace/fold-batch-norm.js';
import { trace } from './trace/trace.js';
import { accuracyApart } from './verify/accuracy-apart.js';
import { packedAsItIs } from './verify/lossless.js';
import { type Judge, judged, type Packed, packed } from './verify/pack.js';

/** How one tensor came out. */
export interface CompressedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly method: Method;
  /** The least step; steps of one tensor may differ along its axes. */
  readonly step?: number;
  /** No output depends on it with these inputs: it was quantised by itself, to the relative error of the others. */
  readonly unreached?: true;
}

/** What {@link compress} gives. */
export interface Compressed {
  /** The `.esp` file: never larger than the model packed as it is. */
  readonly file: Uint8Array;
  /** Where an older file was given: what makes `file` of it, by `patch` of `@espalier/codec/update`. */
  readonly update?: Uint8Array;
  /** About what the model packed as it is takes; `file` is that one where nothing smaller meets the aim. */
  readonly losslessBytes: number;
  readonly lossless: boolean;
  /** What `decode(file)` gives. */
  readonly artifacts: ModelArtifacts;
  /** Measured on the model decoded from the file. */
  readonly fidelity: Fidelity;
  /** Where accuracy is the aim: that of the original and of the file, on the examples that are set apart. */
  readonly accuracy?: Accuracy;
  /** What kind of inputs it was measured on. */
  readonly measuredOn: MeasuredOn;
  /** What the outputs' errors were counted in. */
  readonly peaks: readonly number[];
  /** Outputs, by their places, that hardly vary: their peak is 1/32 of their greatest magnitude. `peak` gives another. */
  readonly floored: readonly number[];
  /** Outputs that are chosen rather than computed: in their place what the choice is made from was measured. */
  readonly before: readonly string[];
  readonly tensors: readonly CompressedTensor[];
  /** All that was tried on the way: step factor, and dB or bytes. */
  readonly trials: readonly Trial[];
  /** Whether the aim is met; if not, the file is as near as the search came. */
  readonly met: boolean;
}

/** Processor time for all of the work, of a usual processor: counted, so that files are the same on all machines. */
const usualSeconds = 50;

/** An update would have to hold the frequencies of rans. */
const forUpdates = { codecs: ['planes', 'lz', 'ctx-fast', 'ctx-mix', 'same'] } as const;

/** One at a time: they share a backend and its list of tensors. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Quantises a trained model without training it: chooses steps for all tensors together, so that the outputs stay within a
 * given distance of the original's at least bytes, rounds each linear operation so that its weights make up for each
 * other's errors, and packs it. What is reported is measured on the model decoded from the file.
 *
 * A backend of TensorFlow.js must be there; the native one is the fastest. Calls at the same time wait for each other.
 *
 * Sources: rounding, see `roundLinear`; steps so that every weight adds the same error, reverse water-filling, Cover and
 * Thomas (2006), "Elements of information theory", 10.3.3; errors by second derivatives, Hassibi and Stork (1993),
 * "Second order derivatives for network pruning: optimal brain surgeon".
 *
 * @param artifacts - As from an IOHandler's `load()`, `model.save`, or the codec's `decode`.
 * @throws EspError of the codec for an `update` that is no `.esp` file
 * @throws EspalierError `unknown-option`, `invalid-option`, `bad-model`, `shape-mismatch`, `unknown-name`; `not-finite` where
 * the outputs are no numbers; `cannot-run` where TensorFlow.js cannot run the model: `compressWeights` takes its weights
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { compress, type ModelArtifacts } from '@espalier/compress';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 32, inputShape: [32] }), tfl.layers.dense({ units: 4 })] });
 * let artifacts: ModelArtifacts = {};
 * await model.save({
 *   save: async (saved) => {
 *     artifacts = saved as ModelArtifacts;
 *     return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
 *   },
 * });
 * const { file, fidelity } = await compress(artifacts, { quality: 30 });
 * if (fidelity.psnr < 30 || file.length > 1500) throw new Error(`${fidelity.psnr} dB, ${file.length} bytes`);
 * ```
 */
export async function compress(
  artifacts: ModelArtifacts,
  options: CompressOptions = {},
): Promise<Compressed> {
  checkCompressOptions(options);
  const turn = last.then(() => compressed(namedByPaths(artifacts), options));
  last = turn.catch(() => undefined);
  return turn;
}

async function compressed(artifacts: ModelArtifacts, options: CompressOptions): Promise<Compressed> {
  const { log = () => {}, inputs = {}, update: old } = options;
  const older = old && readOlder(old);
  let model = await load(artifacts, inputs);
  const { before } = model;
  const made: tf.Tensor[] = [];
  try {
    const tensors = new Tensors(artifacts, model, older ? forUpdates : {});
    const clock = options.seconds === undefined ? countedSeconds : processorSeconds;
    const work = new Work(options.seconds ?? usualSeconds, clock);
    const { batches, measuredOn, apart, ...examples } = await examplesFor(model, options, work, made);
    const facts = { before, measuredOn };
    const bench = await benchFor(model, examples, tensors, options.peak);
    const goal = aimOf(options, tensors.elements);
    const cost = (file: Uint8Array): number => (old ? diff(old, file) : file).length;
    const judge: Judge = {
      ...goal,
      cost,
      tensors,
      bench,
      inputs,
      effort: work.effort(options.effort ?? 6, tensors.elements),
      work,
    };
    const asItIs = (rival: number): Uint8Array => packedAsItIs(artifacts, judge.effort, rival, work);
    if (goal.bytes) {
      const file = asItIs(Number.POSITIVE_INFINITY);
      if (goal.aim.meets(cost(file))) {
        const whole = await judged(file, new Map(), true, judge);
        return resultOf(whole, file.length, tensors, bench, facts, [], old);
      }
    }
    const traced = await trace(model, batches[0], tensors.twins);
    const biases = foldNormalizations(traced, tensors.values);
    const { linear, normalizations } = traced;
    if (normalizations.length > 0) {
      const given = model;
      model = await load(tensors.artifactsWith(new Map()), inputs);
      given.dispose();
    }
    log(`${linear.size} linear operations, ${normalizations.length} normalisations`);
    const all = await planAll(model, tensors, { linear, biases }, batches, bench, work, log);
    const { plans, fineness } = older ? olderPlans(all, older) : { plans: all, fineness: undefined };
    const found =
      fineness === undefined
        ? await coarsestSteps(plans, model, tensors, bench, batches[0], goal, options, work)
        : await nearOlder(plans, fineness, model, tensors, bench, goal, cost, options, work.stage(1, 0.25));
    const small = await packed(found, judge);
    const file = asItIs(small.file.length);
    // Who meets the aim goes first, and then the smaller one; without loss any quality is met.
    const whole = cost(file) <= cost(small.file) || (!goal.bytes && !small.met);
    const best = whole ? await judged(file, new Map(), true, judge) : small;
    const unreached = new Set(plans.flatMap((own) => (own.unreached ? [own.weight.name] : [])));
    const result = resultOf(best, file.length, tensors, bench, facts, found.trials, old, unreached);
    if (!apart) return result;
    const accuracy = await accuracyApart(artifacts, best.artifacts, inputs, apart);
    return { ...result, accuracy, met: goal.aim.meets(accuracy.lost) };
  } finally {
    tf.dispose(made);
    model.dispose();
  }
}

/** @throws EspalierError as `Bench.of`; the tensors that may be why outputs are no numbers are named */
async function benchFor(
  model: Executable,
  { validation, worst, labels }: Pick<Calibration, 'validation' | 'worst' | 'labels'>,
  tensors: Tensors,
  peak: number | undefined,
): Promise<Bench> {
  try {
    return await Bench.of(model, validation, tensors.twins, peak, worst, labels);
  } catch (error) {
    const { broken } = tensors;
    if (!(error instanceof EspalierError) || error.code !== 'not-finite' || broken.length === 0) throw error;
    throw new EspalierError('not-finite', `${broken[0]} has values that are not finite.`, {
      cause: error,
      remedy: 'The outputs are no numbers either: save the model anew.',
    });
  }
}

function resultOf(
  { rounded, ...best }: Packed,
  losslessBytes: number,
  tensors: Tensors,
  { peaks, floored }: Bench,
  facts: Pick<Compressed, 'before' | 'measuredOn'>,
  trials: readonly Trial[],
  old: Uint8Array | undefined,
  unreached: ReadonlySet<string> = new Set(),
): Compressed {
  const described = tensors.weights.map(({ name, shape }): CompressedTensor => {
    const own = best.lossless ? undefined : tensors.roundedOf(name, rounded);
    return {
      name,
      shape,
      method: own?.method ?? 'kept',
      ...(own?.grid && { step: own.grid.step }),
      ...(own && unreached.has(tensors.twins.get(name) ?? name) && { unreached: true }),
    };
  });
  const update = old && diff(old, best.file);
  return {
    ...best,
    ...facts,
    ...(update && { update }),
    losslessBytes,
    peaks,
    floored,
    tensors: described,
    trials,
  };
}
