import {
  decodeChecked,
  type EncodeOptions,
  encode,
  type Grid,
  type ModelArtifacts,
  namedByPaths,
} from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { codedBytes } from './choose/coded-bytes.js';
import type { CompressedTensor } from './compress.js';
import { fitsSteps, readWeights, type Weight, withValues } from './model/weights.js';
import { entropyOf } from './numbers/entropy.js';
import { type CompressOptions, checkCompressOptions, refuseUpdate } from './options.js';
import { Predictor, toPredicted } from './plan/predictor.js';
import { roundPlain } from './round/snap.js';
import { aimOf } from './search/aim.js';
import { search, type Trial } from './search/search.js';
import { packedAsItIs } from './verify/lossless.js';

/** What {@link compressWeights} is asked for: one of `quality`, `size` and `bits`. */
export interface CompressWeightsOptions
  extends Pick<CompressOptions, 'size' | 'bits' | 'effort' | 'log' | 'onTrial'> {
  /** Least signal-to-noise ratio of the weights, in dB. Default 45. */
  readonly quality?: number;
}

/** What {@link compressWeights} gives. */
export interface CompressedWeights {
  /** The `.esp` file. */
  readonly file: Uint8Array;
  /** What the weights packed as they are take, about; `file` is that one where nothing smaller was found. */
  readonly losslessBytes: number;
  readonly lossless: boolean;
  /** What `decode(file)` gives. */
  readonly artifacts: ModelArtifacts;
  /**
   * Signal-to-noise ratio of what was quantised, in dB, decoded from the file: each tensor's error in units of its own
   * mean square. Infinity where nothing differs.
   */
  readonly snr: number;
  readonly tensors: readonly CompressedTensor[];
  /** All that was tried on the way: step over root mean square, and dB or bytes. */
  readonly trials: readonly Trial[];
  /** Whether the aim is met; if not, the file is as near as the search came. */
  readonly met: boolean;
}

/** A tensor that is quantised. */
interface Part {
  readonly weight: Weight;
  readonly values: Float32Array;
  readonly meanSquare: number;
  /** Below this step, levels would leave what is coded well. */
  readonly leastStep: number;
  /** Where prediction takes fewer bytes. */
  readonly predictor?: Predictor;
}

/** A file, and what was packed. */
interface Unchecked {
  readonly file: Uint8Array;
  readonly given: ModelArtifacts;
}

/** Fewer elements than this are kept: they cost less than what is said about them. */
const leastElements = 8;
const mostLevel = 2 ** 14;

/** How hard the coder searches unless it is told. */
const usualEffort = 4;

/** From so many weights on, the slow coders are left to those who ask for an `effort`. */
const many = 2 ** 22;
/** Nearly all of the gain in little time: what matters is to find that few values are shared. */
const quick = { effort: 0, codecs: ['rans', 'ctx-fast'] } satisfies EncodeOptions;

/**
 * Quantises weights of which no more is known than their values: without a model there are no outputs to measure, so every
 * weight matters alike, relative to its tensor's root mean square, which is its step up to a factor that they all share.
 * Vectors (biases, scales, statistics) and integers are kept as they are: rounding them is where an unknown model could break.
 * What is smooth along an axis is predicted along it, where that takes fewer bytes.
 *
 * Source: equal steps for equal distortion, reverse water-filling, Cover and Thomas (2006), "Elements of information
 * theory", 10.3.3.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `not-finite`, `bad-model`
 *
 * @example
 * ```ts
 * import { compressWeights } from '@espalier/compress';
 * const weightSpecs = [{ name: 'fc6', shape: [64, 100], dtype: 'float32' as const }];
 * const values = Float32Array.from({ length: 6400 }, (_, i) => Math.sin(i * i));
 * const { file, snr } = await compressWeights({ weightSpecs, weightData: values.buffer }, { quality: 30 });
 * if (snr < 30 || file.length > 4800) throw new Error(`${snr} dB, ${file.length} bytes`);
 * ```
 */
export async function compressWeights(
  given: ModelArtifacts,
  options: CompressWeightsOptions = {},
): Promise<CompressedWeights> {
  checkCompressOptions(options);
  refuseUpdate(options);
  const { quality, log = () => {} } = options;
  const artifacts = namedByPaths(given);
  const weights = readWeights(artifacts);
  // The error of rounding is uniform, step^2 / 12; of too few levels it is not, and the search makes up for that.
  const start = Math.sqrt(12 * 10 ** (-(quality ?? 45) / 10));
  const parts = weights.flatMap(partOf).map((part) => predicted(part, start));
  const partNamed = new Map(parts.map((part) => [part.weight.name, part]));
  const elements = weights.reduce((n, { values }) => n + (values?.length ?? 0), 0);
  const { aim, bytes } = aimOf(options, elements);
  const coding =
    options.effort === undefined && elements > many ? quick : { effort: options.effort ?? usualEffort };
  const pack = (fineness: number): Unchecked => {
    const values = new Map<string, Float32Array>();
    const grids: Record<string, Grid> = {};
    for (const part of parts) {
      const { values: own, grid } = rounded(part, fineness);
      grids[part.weight.name] = grid;
      values.set(part.weight.name, own);
    }
    const given = withValues(artifacts, weights, values);
    return { file: encode(given, { ...coding, grids, verify: false }), given };
  };
  const asItIs = (rival: number): Unchecked => ({
    file: packedAsItIs(artifacts, coding.effort, rival),
    given: artifacts,
  });
  if (bytes) {
    const whole = asItIs(Number.POSITIVE_INFINITY);
    if (aim.meets(whole.file.length)) return resultOf(whole, whole.file.length, [], undefined);
  }
  const trials: Trial[] = [];
  const found = await search(start, aim, async (fineness) => {
    const figure = bytes
      ? pack(fineness).file.length
      : decibels(parts, (part) => rounded(part, fineness).values);
    log(
      `step ${fineness.toPrecision(4)} of the RMS: ${bytes ? `${figure} bytes` : `${figure.toFixed(2)} dB`}`,
    );
    trials.push({ fineness, figure });
    options.onTrial?.({
      quality: bytes ? decibels(parts, (part) => rounded(part, fineness).values) : figure,
      bytes: bytes ? figure : levelBytes(parts, fineness),
    });
    return figure;
  });
  const quantised = pack(found.fineness);
  const whole = asItIs(quantised.file.length);
  const small = resultOf(quantised, whole.file.length, trials, found.fineness);
  // Who meets the aim goes first, and then the smaller one; without loss any quality is met.
  const without = whole.file.length <= quantised.file.length || (!bytes && !small.met);
  return without ? resultOf(whole, whole.file.length, trials, undefined) : small;

  /** @param fineness - Undefined without loss. */
  function resultOf(
    { file, given: packed }: Unchecked,
    losslessBytes: number,
    tried: readonly Trial[],
    fineness: number | undefined,
  ): CompressedWeights {
    const decoded = decodeChecked(file, packed);
    const after = new Map(readWeights(decoded).map(({ name, values }) => [name, values]));
    const snr = decibels(parts, ({ weight }) => after.get(weight.name) as Float32Array);
    return {
      file,
      losslessBytes,
      lossless: fineness === undefined,
      artifacts: decoded,
      snr,
      tensors: weights.map(({ name, shape }): CompressedTensor => {
        const part = partNamed.get(name);
        if (!part || fineness === undefined) return { name, shape, method: 'kept' };
        const method = part.predictor ? 'predicted' : 'plain';
        return { name, shape, method, step: stepOf(part, fineness) };
      }),
      trials: tried,
      met: aim.meets(bytes ? file.length : snr),
    };
  }
}

function partOf(weight: Weight): Part[] {
  const { name, shape, values } = weight;
  if (!(values instanceof Float32Array) || shape.length < 2 || values.length < leastElements) return [];
  if (values.some(Number.isNaN)) {
    throw new EspalierError('not-finite', `${name} has values that are not finite.`, {
      remedy: 'NaN is no weight: save the model anew.',
    });
  }
  if (!fitsSteps(values)) return [];
  let [sum, most] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]);
    sum += magnitude * magnitude;
    if (magnitude > most) most = magnitude;
  }
  if (sum === 0) return [];
  return [{ weight, values, meanSquare: sum / values.length, leastStep: most / mostLevel }];
}

function stepOf({ meanSquare, leastStep }: Part, fineness: number): number {
  return Math.fround(Math.max(1e-30, leastStep, fineness * Math.sqrt(meanSquare)));
}

function rounded(part: Part, fineness: number): { values: Float32Array; grid: Grid } {
  const step = stepOf(part, fineness);
  const { values, predictor } = part;
  const grid: Grid = { step, exponents: part.weight.shape.map(() => undefined) };
  if (predictor) {
    const steps = new Float64Array(values.length).fill(step);
    const prediction = predictor.fit(steps);
    return { values: roundPlain(values, toPredicted(steps, prediction)), grid: { ...grid, prediction } };
  }
  const out = new Float32Array(values.length);
  // Not -0: a level has no sign of its own.
  for (let i = 0; i < values.length; i++) out[i] = Math.round(values[i] / step) * step + 0;
  return { values: out, grid };
}

/** About the bytes of all that is quantised, by how often each level occurs. */
function levelBytes(parts: readonly Part[], fineness: number): number {
  const bytes = (part: Part): number => entropyOf(rounded(part, fineness).values);
  return Math.round(parts.reduce((sum, part) => sum + bytes(part), 0));
}

/** With the prediction that takes the fewest bytes at about this fineness, if any does; of very large tensors none is tried. */
function predicted(part: Part, fineness: number): Part {
  const { weight, values } = part;
  const predictor = values.length < many ? Predictor.find(values, weight.shape) : undefined;
  if (!predictor) return part;
  const other = { ...part, predictor };
  const bytes = (own: Part): number => codedBytes(own, rounded(own, fineness), quick);
  return predictor.choose(bytes(part), () => bytes(other)) ? other : part;
}

/** Mean over all weights of the squared error, in units of its tensor's mean square, as a ratio in dB. */
function decibels(parts: readonly Part[], other: (part: Part) => Float32Array): number {
  let [noise, count] = [0, 0];
  for (const part of parts) {
    const values = other(part);
    let squares = 0;
    for (let i = 0; i < values.length; i++) squares += (values[i] - part.values[i]) ** 2;
    noise += squares / part.meanSquare;
    count += values.length;
  }
  return noise === 0 ? Number.POSITIVE_INFINITY : -10 * Math.log10(noise / count);
}
