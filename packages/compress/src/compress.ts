import { decode, encode, type Grid, type ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { foldNormalizations } from './batch-norm.js';
import { batchesOf, generateExamples, splitExamples } from './examples.js';
import { type Examples, type Executable, load } from './executable.js';
import { compare, type Fidelity, joinOutputs, type Output, peaksOf, readOutputs } from './fidelity.js';
import { gather } from './gram.js';
import { type CompressOptions, checkCompressOptions } from './options.js';
import {
  entropyBytes,
  type Method,
  type Plan,
  planLinear,
  planPlain,
  quantize,
  type Rounded,
  repetitionBytes,
} from './plan.js';
import { type Aim, search, type Trial } from './search.js';
import { sensitivities } from './sensitivity.js';
import { trace } from './trace.js';
import { readWeights, type Weight, withValues } from './weights.js';

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
  /** The `.esp` file. */
  readonly file: Uint8Array;
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

/** Fewer elements than this are kept as they are: they cost less than what is said about them. */
const leastElements = 8;

/** Elements from which on tensors are compared with each other. */
const leastTwin = 64;

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
  const { log = () => {}, effort = 6 } = options;
  const weights = readWeights(artifacts);
  const model = await load(artifacts);
  const made: tf.Tensor[] = [];
  let compression: Compression | undefined;
  try {
    const given = options.calibration ?? generateExamples(model.inputs, { seed: 1 });
    if (!options.calibration) made.push(...given);
    const [own, rest] = options.validation ? [given, undefined] : splitExamples(given);
    if (rest) made.push(...own, ...rest);
    const size = options.batchSize ?? 8;
    const batches = batchesOf(model.inputs, own, size);
    const validation = batchesOf(model.inputs, options.validation ?? rest ?? given, size);
    made.push(...batches.flat(), ...validation.flat());
    compression = new Compression(artifacts, weights, model, batches, validation, options, log, effort);
    return await compression.run();
  } finally {
    tf.dispose(made);
    (compression ?? model).dispose();
  }
}

/** One call of `compress`. */
class Compression {
  readonly #values = new Map<string, Float32Array>();
  readonly #trials: Trial[] = [];
  readonly #methods = new Map<string, Method>();
  #original: Output[] = [];
  #peaks: number[] = [];
  #plans: Plan[] = [];
  /** Tensors that are the same as another one, by name. */
  readonly #twins = new Map<string, string>();
  /** With batch normalisation folded, once that is done. */
  #model: Executable;

  constructor(
    readonly artifacts: ModelArtifacts,
    readonly weights: readonly Weight[],
    model: Executable,
    readonly batches: readonly Examples[],
    readonly validation: readonly Examples[],
    readonly options: CompressOptions,
    readonly log: (line: string) => void,
    readonly effort: number,
  ) {
    this.#model = model;
  }

  dispose(): void {
    this.#model.dispose();
  }

  async run(): Promise<Compressed> {
    const { options } = this;
    this.#original = this.#outputs(this.#model);
    this.#peaks = peaksOf(this.#original.map(({ values }) => values)).map((peak) => options.peak ?? peak);
    await this.#plan();
    const target = this.#aim();
    const count = this.#plans.reduce((n, { values }) => n + values.length, 0);
    const decibels = options.quality ?? (options.size || options.bits ? 40 : 45);
    const start = Math.sqrt((12 * 10 ** (-decibels / 10)) / Math.max(1, count));
    const near = this.#approach(start, decibels);
    this.#chooseMethods(near);
    this.#weigh(near);
    const found = await search(this.#approach(near, decibels), target.aim, async (fineness) => {
      const rounded = quantize(this.#plans, fineness, this.#methods);
      const figure = target.bytes ? this.#encode(rounded, 4).length : this.#measure(rounded);
      this.log(
        `step factor ${fineness.toPrecision(4)}: ${target.bytes ? `${figure} bytes` : `${figure.toFixed(2)} dB`}`,
      );
      this.#trials.push({ fineness, figure });
      return figure;
    });
    return this.#finish(quantize(this.#plans, found.fineness, this.#methods), found.met);
  }

  /** What is asked for, and whether it is a number of bytes. */
  #aim(): { aim: Aim; bytes: boolean } {
    const { size, bits, quality = 45 } = this.options;
    const elements = this.weights.reduce((n, { values }) => n + (values?.length ?? 0), 0);
    const most = size ?? (bits === undefined ? undefined : Math.floor((bits * elements) / 8));
    if (most !== undefined) {
      return {
        bytes: true,
        aim: {
          meets: (bytes) => bytes <= most,
          near: (bytes) => bytes > 0.985 * most,
          // An octave of the step is a bit a weight.
          octaves: (bytes) => (8 * (bytes - 0.995 * most)) / Math.max(1, elements),
          better: (a, b) => a < b,
        },
      };
    }
    return {
      bytes: false,
      aim: {
        meets: (psnr) => psnr >= quality,
        near: (psnr) => psnr < quality + 0.25,
        octaves: (psnr) => (Number.isFinite(psnr) ? (psnr - quality - 0.1) / 6.02 : 6),
        better: (a, b) => a > b,
      },
    };
  }

  /** Gathers all that is known about every tensor. */
  async #plan(): Promise<void> {
    const { weights, batches, log } = this;
    const model = this.#model;
    const floats = weights.filter(
      ({ name, values }) => values instanceof Float32Array && model.weights.has(name),
    );
    const bad = floats.find(({ values }) => !(values as Float32Array).every(Number.isFinite));
    if (bad) throw new EspalierError('not-finite', `${bad.name} has values that are not finite.`);
    for (const { name, values } of floats) this.#values.set(name, values as Float32Array);
    this.#findTwins(floats);
    const traced = trace(this.#model, batches[0], this.#twins);
    const biases = foldNormalizations(traced, this.#values);
    if (traced.normalizations.length > 0) {
      const folded = await load(withValues(this.artifacts, weights, this.#final(new Map())));
      this.#model.dispose();
      this.#model = folded;
    }
    log(`${traced.linear.size} linear operations, ${traced.normalizations.length} normalisations`);
    const names = floats.map(({ name }) => name);
    const sensitivity = sensitivities(this.#model, batches, names, this.#peaks);
    log('sensitivities known');
    const grams = gather(this.#model, batches, traced.linear, this.#twins);
    log('moments of the features known');
    for (const [twin, name] of this.#twins) {
      const sum = sensitivity.get(name) as Float64Array;
      (sensitivity.get(twin) as Float64Array).forEach((s, i) => {
        sum[i] += s;
      });
    }
    for (const weight of floats) {
      if (this.#twins.has(weight.name)) continue;
      const values = this.#values.get(weight.name) as Float32Array;
      const own = sensitivity.get(weight.name) as Float64Array;
      const gram = grams.get(weight.name);
      const layout = traced.linear.get(weight.name);
      // What no output depends on, as far as can be seen, is kept.
      const idle = own.every((s) => !(s > 0));
      if (values.length < leastElements || idle || values.every((value) => value === values[0])) continue;
      const bias = biases.get(weight.name);
      this.#plans.push(
        gram && layout
          ? planLinear(weight, values, own, layout, gram, this.#values.has(bias ?? '') ? bias : undefined)
          : planPlain(weight, values, own),
      );
    }
  }

  /** Large tensors that are the same are quantised as one: they are stored once. */
  #findTwins(floats: readonly Weight[]): void {
    const seen = new Map<string, Weight[]>();
    for (const weight of floats) {
      const { name, values, shape } = weight;
      if (shape.length < 2 || (values as Float32Array).length < leastTwin) continue;
      const key = `${shape} ${(values as Float32Array).slice(0, 8)}`;
      const alike = seen.get(key) ?? [];
      const first = alike.find((other) =>
        (other.values as Float32Array).every((v, i) => v === (values as Float32Array)[i]),
      );
      if (first) this.#twins.set(name, first.name);
      else seen.set(key, [...alike, weight]);
    }
  }

  /** Where plain rounding leaves repetitions that a coder finds, it may be cheaper at the same error. */
  #chooseMethods(fineness: number): void {
    const linear = this.#plans.filter((plan) => plan.linear !== undefined);
    const compensated = quantize(linear, fineness, new Map());
    const plain = quantize(linear, fineness, new Map(linear.map(({ weight }) => [weight.name, 'plain'])));
    for (const plan of linear) {
      const { name } = plan.weight;
      const repeated = repetitionBytes(plan, plain.get(name) as Rounded);
      if (repeated < entropyBytes(plan, compensated.get(name) as Rounded)) this.#methods.set(name, 'plain');
    }
  }

  /** A fineness at which the outputs are about so many dB off. */
  #approach(start: number, decibels: number): number {
    let fineness = start;
    for (let i = 0; i < 4; i++) {
      const octaves = (this.#measure(quantize(this.#plans, fineness, this.#methods)) - decibels) / 6.02;
      fineness *= 2 ** Math.max(-6, Math.min(6, octaves));
      if (Math.abs(octaves) < 0.7) break;
    }
    return fineness;
  }

  /**
   * Rounds one tensor at a time and compares the outputs' error with what was expected of it: that follows from an average
   * over all directions, where compensated errors keep to few. Steps of tensors that matter more than expected shrink.
   */
  #weigh(fineness: number): void {
    const [batch] = this.batches;
    const original = readOutputs(this.#model.run(batch));
    const plans = new Map(this.#plans.map((plan) => [plan.weight.name, plan]));
    for (const plan of this.#plans) {
      const bias = plans.get(plan.linear?.bias ?? '');
      const expected = (plan.values.length * fineness ** 2) / 12;
      for (let round = 0; round < 2; round++) {
        const rounded = quantize(bias ? [plan, bias] : [plan], fineness, this.#methods);
        const outputs = this.#with(rounded, (tensors) => readOutputs(this.#model.run(batch, tensors)));
        const { psnr } = compare(original, outputs, this.#peaks);
        const octaves = Math.log2(10 ** (-psnr / 10) / expected) / 2;
        plan.wish.refine(Math.max(0, Math.min(8, octaves)));
        plan.level?.refine(Math.max(0, Math.min(8, octaves)));
        if (!(octaves > 1)) break;
      }
    }
    this.log(`${this.#plans.length} tensors weighed by the error of each`);
  }

  /** Calls `action` with these weights as tensors, and disposes them. */
  #with<T>(rounded: ReadonlyMap<string, Rounded>, action: (tensors: ReadonlyMap<string, tf.Tensor>) => T): T {
    const tensors = new Map<string, tf.Tensor>();
    for (const [name, { values }] of rounded) {
      const tensor = tf.tensor(values, [...(this.#model.weights.get(name)?.shape ?? [])], 'float32');
      tensors.set(name, tensor);
      for (const [twin, of] of this.#twins) if (of === name) tensors.set(twin, tensor);
    }
    try {
      return action(tensors);
    } finally {
      tf.dispose([...tensors.values()]);
    }
  }

  #outputs(model: Executable, values?: ReadonlyMap<string, tf.Tensor>): Output[] {
    return joinOutputs(this.validation.map((batch) => readOutputs(model.run(batch, values))));
  }

  /** PSNR with these weights in place of the model's own. */
  #measure(rounded: ReadonlyMap<string, Rounded>): number {
    return this.#with(
      rounded,
      (tensors) => compare(this.#original, this.#outputs(this.#model, tensors), this.#peaks).psnr,
    );
  }

  /** All values that are not as in the artifacts. */
  #final(rounded: ReadonlyMap<string, Rounded>): Map<string, Float32Array> {
    const final = new Map<string, Float32Array>();
    for (const { name, values } of this.weights) {
      const own = rounded.get(this.#twins.get(name) ?? name)?.values ?? this.#values.get(name);
      if (own !== undefined && own !== values) final.set(name, own);
    }
    return final;
  }

  #encode(rounded: ReadonlyMap<string, Rounded>, effort: number): Uint8Array {
    const grids: Record<string, Grid> = {};
    for (const { name } of this.weights) {
      const own = rounded.get(this.#twins.get(name) ?? name);
      if (own) grids[name] = own.grid;
    }
    return encode(withValues(this.artifacts, this.weights, this.#final(rounded)), { effort, grids });
  }

  async #finish(rounded: ReadonlyMap<string, Rounded>, met: boolean): Promise<Compressed> {
    const file = this.#encode(rounded, this.effort);
    const artifacts = decode(file);
    const model = await load(artifacts);
    try {
      const fidelity = compare(this.#original, this.#outputs(model), this.#peaks);
      const tensors = this.weights.map(({ name, shape }): CompressedTensor => {
        const own = rounded.get(this.#twins.get(name) ?? name);
        return { name, shape, method: own?.method ?? 'kept', ...(own && { step: own.grid.step }) };
      });
      return { file, artifacts, fidelity, peaks: this.#peaks, tensors, trials: this.#trials, met };
    } finally {
      model.dispose();
    }
  }
}
