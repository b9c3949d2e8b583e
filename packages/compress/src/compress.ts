import { decode, encode, type ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import { Bench } from './bench.js';
import { batchesOf, generateExamples, splitExamples } from './examples.js';
import { type Examples, type Executable, load } from './executable.js';
import type { Fidelity } from './fidelity.js';
import { chooseMethods } from './methods.js';
import { type CompressOptions, checkCompressOptions } from './options.js';
import type { Plan } from './plan.js';
import { plan } from './planning.js';
import { type Method, quantize, type Rounded } from './quantize.js';
import { aimOf, search, type Trial } from './search.js';
import { Tensors } from './tensors.js';
import { weigh } from './weigh.js';

/** How one tensor came out. */
export interface CompressedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly method: Method;
  /** The least step; steps of one tensor may differ along its axes. */
  readonly step?: number;
}

/** What {@link compress} gives. */
export interface Compressed {
  /** The `.esp` file: never larger than the model packed as it is. */
  readonly file: Uint8Array;
  /** About what the model packed as it is takes; `file` is that one where nothing smaller was found. */
  readonly losslessBytes: number;
  readonly lossless: boolean;
  /** What `decode(file)` gives. */
  readonly artifacts: ModelArtifacts;
  /** Measured on the model decoded from the file. */
  readonly fidelity: Fidelity;
  /** What the outputs' errors were counted in. */
  readonly peaks: readonly number[];
  readonly tensors: readonly CompressedTensor[];
  /** All that was tried on the way: step factor, and dB or bytes. */
  readonly trials: readonly Trial[];
  /** Whether the aim is met; if not, the file is as near as the search came. */
  readonly met: boolean;
}

/**
 * Quantises a trained model without training it: chooses steps for all tensors together, so that the outputs stay within a
 * given distance of the original's at least bytes, rounds each linear operation so that its weights make up for each
 * other's errors, and packs it. What is reported is measured on the model decoded from the file.
 *
 * A backend of TensorFlow.js must be there; the native one is the fastest.
 *
 * Sources: rounding, see `roundLinear`; steps so that every weight adds the same error, reverse water-filling, Cover and
 * Thomas (2006), "Elements of information theory", 10.3.3; errors by second derivatives, Hassibi and Stork (1993),
 * "Second order derivatives for network pruning: optimal brain surgeon".
 *
 * @param artifacts - As from an IOHandler's `load()`, `model.save`, or the codec's `decode`.
 * @throws EspalierError `unknown-option`, `invalid-option`, `bad-model`, `shape-mismatch`
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
  let model = await load(artifacts);
  const made: tf.Tensor[] = [];
  try {
    const tensors = new Tensors(artifacts, model);
    const { batches, validation } = examplesFor(model, options, made);
    const bench = new Bench(model, validation, tensors.twins, options.peak);
    const planned = await plan(model, tensors, batches, bench, options.log ?? (() => {}));
    model = planned.model;
    const found = await choose(planned, tensors, bench, batches[0], options);
    return await finish(found, tensors, bench, options.effort ?? 6);
  } finally {
    tf.dispose(made);
    model.dispose();
  }
}

/** Batches for calibration, and others for measuring; `made` gets all that is to be disposed. */
function examplesFor(
  { inputs }: Executable,
  { calibration, validation, batchSize = 8 }: CompressOptions,
  made: tf.Tensor[],
): { batches: Examples[]; validation: Examples[] } {
  const given = calibration ?? generateExamples(inputs, { seed: 1 });
  if (!calibration) made.push(...given);
  const [own, rest] = validation ? [given, undefined] : splitExamples(given);
  if (rest) made.push(...own, ...rest);
  const batches = batchesOf(inputs, own, batchSize);
  made.push(...batches.flat());
  const measured = batchesOf(inputs, validation ?? rest ?? given, batchSize);
  made.push(...measured.flat());
  return { batches, validation: measured };
}

interface Found {
  readonly rounded: ReadonlyMap<string, Rounded>;
  readonly trials: readonly Trial[];
  readonly met: boolean;
  /** Does the model as it is meet the aim, if it takes so many bytes? */
  readonly meets: (losslessBytes: number) => boolean;
}

/** Searches for the coarsest steps that meet the aim. */
async function choose(
  { plans, model }: { readonly plans: readonly Plan[]; readonly model: Executable },
  tensors: Tensors,
  bench: Bench,
  batch: Examples,
  options: CompressOptions,
): Promise<Found> {
  const { log = () => {} } = options;
  const { aim, bytes } = aimOf(options, tensors.elements);
  const count = plans.reduce((n, { values }) => n + values.length, 0);
  const decibels = options.quality ?? (bytes ? 40 : 45);
  let methods: ReadonlyMap<string, Method> = new Map();
  /** A fineness at which the outputs are about so many dB off. */
  const approach = (start: number): number => {
    let fineness = start;
    for (let i = 0; i < 4; i++) {
      const octaves = (bench.psnr(model, quantize(plans, fineness, methods)) - decibels) / 6.02;
      fineness *= 2 ** Math.max(-6, Math.min(6, octaves));
      if (Math.abs(octaves) < 0.7) break;
    }
    return fineness;
  };
  const near = approach(Math.sqrt((12 * 10 ** (-decibels / 10)) / Math.max(1, count)));
  methods = chooseMethods(plans, near);
  weigh(model, plans, near, methods, bench, batch);
  log(`${plans.length} tensors weighed by the error of each`);
  const trials: Trial[] = [];
  const found = await search(approach(near), aim, async (fineness) => {
    const rounded = quantize(plans, fineness, methods);
    const figure = bytes ? tensors.encode(rounded, 4).length : bench.psnr(model, rounded);
    log(`step factor ${fineness.toPrecision(4)}: ${bytes ? `${figure} bytes` : `${figure.toFixed(2)} dB`}`);
    trials.push({ fineness, figure });
    return figure;
  });
  const rounded = quantize(plans, found.fineness, methods);
  const meets = (losslessBytes: number): boolean =>
    aim.meets(bytes ? losslessBytes : Number.POSITIVE_INFINITY);
  return { rounded, trials, met: found.met, meets };
}

/** The model without any loss; packed with all effort only where that might be smaller than what was found. */
function packedAsItIs(artifacts: ModelArtifacts, effort: number, rival: number): Uint8Array {
  const quick = encode(artifacts, { effort: Math.min(effort, 2) });
  return quick.length > 1.25 * rival ? quick : encode(artifacts, { effort });
}

/** Packs it, and measures what is unpacked. */
async function finish(found: Found, tensors: Tensors, bench: Bench, effort: number): Promise<Compressed> {
  const quantised = tensors.encode(found.rounded, effort);
  const asItIs = packedAsItIs(tensors.artifacts, effort, quantised.length);
  const losslessBytes = asItIs.length;
  const lossless = losslessBytes <= quantised.length;
  const file = lossless ? asItIs : quantised;
  const artifacts = decode(file);
  const model = await load(artifacts);
  try {
    const described = tensors.weights.map(({ name, shape }): CompressedTensor => {
      const rounded = lossless ? undefined : tensors.roundedOf(name, found.rounded);
      return {
        name,
        shape,
        method: rounded?.method ?? 'kept',
        ...(rounded?.grid && { step: rounded.grid.step }),
      };
    });
    return {
      file,
      losslessBytes,
      lossless,
      artifacts,
      fidelity: bench.fidelity(model),
      peaks: bench.peaks,
      tensors: described,
      trials: found.trials,
      met: lossless ? found.meets(losslessBytes) : found.met,
    };
  } finally {
    model.dispose();
  }
}
