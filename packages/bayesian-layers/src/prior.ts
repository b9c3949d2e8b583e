import {
  type CountedRatio,
  checkNames,
  EspalierError,
  type Figure,
  type Forward,
  type Moment,
  type Of,
  type Parameter,
  type ParameterGroup,
  type PluginState,
  type Pruner,
  type QuantizedTensor,
  type Quantizer,
  type Regularizer,
  type Run,
  type StateArray,
  type Step,
  settingOf,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { Album } from './internal/album.js';
import { followedBy } from './internal/followed-by.js';
import { checkKernel, type KlStep, LayerPosterior } from './internal/layer-posterior.js';
import { stream } from './internal/normal.js';
import { type GroupPriorOptions, type HorseshoeOptions, type Resolved, resolve } from './options.js';
import { horseshoeRange } from './posterior.js';
import { roundToGrid } from './precision.js';
import { type CountedLayer, paperRatios } from './ratios.js';
import { suggestThreshold } from './threshold.js';

/** What a layer's posterior says about its groups. */
export interface GroupReading {
  /** The kernel's name. */
  readonly name: string;
  /** Log dropout rates of the groups' best weights, or of a horseshoe the negative log modes of the scales. */
  readonly rates: Float32Array;
  /** Groups at or above it go. */
  readonly threshold: number;
  /** How far apart the rates' two modes are, see `suggestThreshold`. */
  readonly clarity: number;
  /** 1 for groups that are pruned already. */
  readonly dropped: Uint8Array;
}

/** What {@link groupNormalJeffreys} and {@link groupHorseshoe} make. */
export interface GroupPrior extends Regularizer, Forward, Pruner, Quantizer {
  /** The posterior of each layer's groups as it is now. */
  readings(): readonly GroupReading[];
  /** Pictures for the report: weights and rates by epoch, and which parts of the input matter. */
  figures(): Figure[];
  /** The paper's three ratios, by name, each with what it counts, of a run's model as it is now. */
  paperRatios(run: Run): Record<string, CountedRatio>;
}

interface Json {
  readonly kernels: readonly string[];
  readonly before: readonly (readonly [string, number])[];
  readonly examples: number | null;
  readonly album: unknown;
}

/** The sum of terms of which values and gradients are known, as a scalar that TF.js can differentiate. */
function known(steps: () => readonly KlStep[], layers: readonly LayerPosterior[]): tf.Scalar {
  const variables = layers.flatMap((layer) => layer.trained);
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const terms = steps();
    const gradients = new Map(terms.flatMap((term) => term.gradients));
    save(variables.map((variable) => gradients.get(variable) as tf.Tensor));
    return {
      value: tf.scalar(terms.reduce((total, { value }) => total + value, 0)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const outer = dy.dataSync()[0];
        return outer === 1 ? saved : saved.map((gradient) => tf.mul(gradient, outer));
      },
    };
  });
  return compute(...variables) as tf.Scalar;
}

/** The kernels of a saved posterior that are what they were: thinning may have cut others. */
function saved(run: Run, { json, arrays = {} }: PluginState): Parameter[] {
  const { kernels } = json as Json;
  return run.parameters.filter(
    ({ name, size }) => kernels.includes(name) && arrays[`${name}/logVariance`]?.length === size,
  );
}

class GroupPosterior implements GroupPrior {
  readonly name: string;
  readonly #options: Resolved;
  readonly #layers = new Map<string, LayerPosterior>();
  readonly #album = new Album();
  /** Weights of each kernel before anything was pruned. */
  readonly #before = new Map<string, number>();
  #run: Run | undefined;
  #examples: number | undefined;
  /** A state that came before `start`. */
  #pending: PluginState | undefined;

  constructor(options: Resolved, name: string) {
    this.name = name;
    this.#options = options;
    this.#examples = options.examples;
  }

  check(_run: Run, of: Of): void {
    const { owner, groups, threshold, maxDeviation } = this.#options;
    const kernels = this.#kernels(of);
    for (const kernel of kernels) checkKernel(owner, kernel);
    for (const option of [groups, threshold]) checkNames<string | number>(option, kernels);
    checkNames(maxDeviation, kernels);
  }

  /** Kernels among the parameters; biases come with their kernels. */
  #kernels(of: Of): Parameter[] {
    const kernels = of.filter(({ role }) => role !== 'bias');
    if (kernels.length > 0) return kernels;
    throw new EspalierError('invalid-option', `${this.#options.owner}: the schedule names no kernel.`, {
      remedy: "Give parameters: '**/kernel', or leave them out.",
    });
  }

  start(run: Run, of: Of): void {
    this.#run = run;
    const pending = this.#pending;
    if (this.#layers.size === 0 && (pending !== undefined || this.#before.size === 0)) {
      this.check(run, of);
      for (const kernel of pending ? saved(run, pending) : this.#kernels(of)) {
        const bias = run.parameters.find((p) => p.layer === kernel.layer && p.role === 'bias' && p.trainable);
        this.#layers.set(kernel.name, new LayerPosterior(kernel, bias, this.#options));
        if (!pending) this.#before.set(kernel.name, kernel.size);
      }
      if (pending !== undefined) {
        this.#pending = undefined;
        this.load(pending);
      }
      return;
    }
    for (const layer of this.#layers.values()) layer.follow(run);
  }

  /** The layers of a schedule, ready to be trained. */
  #active(of: Of): LayerPosterior[] {
    return this.#kernels(of).map(({ name }) => {
      const layer = this.#layers.get(name);
      if (layer !== undefined && !layer.stale) return layer;
      const why = layer === undefined ? 'has had no part in this posterior so far' : 'was cut since';
      throw new EspalierError('bad-state', `${this.#options.owner}: ${name} ${why}.`, {
        remedy: 'Train all layers in the first stage that uses it, and thin after the last.',
      });
    });
  }

  trainables(): readonly ParameterGroup[] {
    return [...this.#layers.values()].flatMap((layer) => layer.trainables(this.#options));
  }

  forward<T>(of: Of, at: Moment, pass: () => T): T {
    const run = this.#run as Run;
    const undo: (() => void)[] = [];
    try {
      for (const [i, layer] of this.#active(of).entries()) {
        undo.push(layer.arm(run, stream(run.seed, at.step, i)));
      }
      return pass();
    } finally {
      for (const restore of undo.reverse()) restore();
    }
  }

  penalty(of: Of, { at, labels, inputs }: Step): tf.Scalar {
    const run = this.#run as Run;
    const { weight, warmUp } = this.#options;
    this.#examples ??= at.stepsPerEpoch * labels.shape[0];
    const layers = this.#active(of);
    if (this.#options.frames && at.step % at.stepsPerEpoch === 0) {
      const images = Array.isArray(inputs) ? inputs[0] : inputs;
      this.#album.inputs(images.shape, () => images.dataSync());
      this.#album.frame(run, layers, at.end - at.start);
    }
    // The posterior is the run's to keep at the end of an epoch: one step before it.
    if ((at.step + 1) % at.stepsPerEpoch === 0) this.#publish(layers);
    const grown = warmUp === 0 ? 1 : Math.min(1, at.index / (warmUp * at.count));
    const factor = (weight * grown) / this.#examples;
    return known(() => layers.map((layer) => layer.kl(run, factor)), layers);
  }

  /** Tells the run how precisely each weight has to be kept. */
  #publish(layers: readonly LayerPosterior[]): void {
    const run = this.#run as Run;
    for (const layer of layers) {
      run.setVariance(layer.kernel, layer.variance());
      const bias = layer.biasVariance();
      if (layer.bias && bias) run.setVariance(layer.bias, bias);
    }
  }

  #threshold(layer: LayerPosterior): { threshold: number; clarity: number } {
    const rates = layer.rates(this.#run as Run);
    // What is pruned already says nothing about the rest, but shows where the other mode is.
    const suggested = suggestThreshold(rates, this.#range);
    const own = settingOf<string | number>(this.#options.threshold, layer.kernel) ?? 'gap';
    return typeof own === 'string' ? suggested : { threshold: own, clarity: suggested.clarity };
  }

  /** Where a threshold may lie: log α from -4 to 3; a horseshoe's modes from e⁻⁵ to e⁻¹⁰. */
  get #range(): readonly [number, number] {
    return this.#options.owner === 'groupHorseshoe' ? horseshoeRange : [-4, 3];
  }

  readings(): readonly GroupReading[] {
    return [...this.#layers.values()].map((layer) => ({
      name: layer.kernel.name,
      rates: layer.rates(this.#run as Run),
      ...this.#threshold(layer),
      dropped: layer.dropped.slice(),
    }));
  }

  masks(of: Of, at: Moment): Map<Parameter, tf.Tensor> {
    const { pruneFrom, single } = this.#options;
    const found = new Map<Parameter, tf.Tensor>();
    // In a stage of its own a firing is the first of one epoch.
    const done = (at.epoch - at.start) / (at.end - at.start);
    if (pruneFrom === undefined || done < pruneFrom || this.#layers.size === 0) return found;
    const run = this.#run as Run;
    for (const layer of this.#active(of)) {
      layer.drop(run, this.#threshold(layer).threshold);
      const { kernel, bias, groups, dropped } = layer;
      found.set(kernel, tf.tensor(layer.kept(run, single), kernel.shape as number[]));
      if (groups.side === 'inputs') continue;
      // A filter that goes takes along its bias and what normalises it: nothing constant remains.
      const stays = Float32Array.from(dropped, (d) => 1 - d);
      for (const parameter of [...(bias ? [bias] : []), ...followedBy(run, kernel.layer)]) {
        if (parameter.size === stays.length) found.set(parameter, tf.tensor1d(stays));
      }
    }
    return found;
  }

  quantize(of: Of, _at: Moment): Map<Parameter, QuantizedTensor> {
    const run = this.#run as Run;
    const found = new Map<Parameter, QuantizedTensor>();
    for (const parameter of of) {
      const variance = run?.variance(parameter);
      if (variance === undefined) {
        throw new EspalierError('bad-state', `${this.#options.owner}: ${parameter.name} has no posterior.`, {
          remedy: "Train a stage with it under 'schedules' first, and name the parameters it was trained on.",
        });
      }
      const values = parameter.variable.dataSync() as Float32Array;
      found.set(parameter, roundToGrid(values, variance.dataSync() as Float32Array));
    }
    return found;
  }

  figures(): Figure[] {
    return this.#album.figures();
  }

  paperRatios(run: Run): Record<string, CountedRatio> {
    const layers: CountedLayer[] = [];
    for (const [name, before] of this.#before) {
      const kernel = run.parameters.find((p) => p.name === name);
      const variance = kernel && run.variance(kernel);
      // Without a posterior there is nothing to count by.
      if (kernel === undefined || variance === undefined) return {};
      const weights = kernel.variable.dataSync();
      layers.push({ weights, variances: variance.dataSync(), shape: kernel.shape, before });
    }
    if (layers.length === 0) return {};
    const { pruning, fastPrediction, maximum, bits, exponentBits } = paperRatios(layers);
    const uncounted = 'no index, header or bias is counted';
    return {
      'pruning (paper)': {
        value: pruning,
        counts: `weights of the kernels before / in the dense blocks that are left; ${uncounted}`,
      },
      'fast prediction (paper)': {
        value: fastPrediction,
        counts: `the same in bits, at 1 + ${exponentBits} + ${bits.join(', ')} bits a weight of each layer; ${uncounted}`,
      },
      'maximum (paper)': {
        value: maximum,
        counts: `the same at the entropy of the weights rounded to those bits, with a codebook per layer; ${uncounted}`,
      },
    };
  }

  save(): PluginState {
    const arrays: Record<string, StateArray> = {};
    for (const [name, layer] of this.#layers) {
      for (const [key, variable] of Object.entries(layer.variables)) {
        arrays[`${name}/${key}`] = variable.dataSync().slice() as Float32Array;
      }
      arrays[`${name}/dropped`] = layer.dropped.slice();
    }
    const json: Json = {
      kernels: [...this.#layers.keys()],
      before: [...this.#before],
      examples: this.#examples ?? null,
      album: this.#album.save(),
    };
    return { json, arrays };
  }

  load(state: PluginState): void {
    const json = state.json as Json;
    if (json.kernels.length === 0) return;
    this.#examples = json.examples ?? undefined;
    for (const [name, size] of json.before) this.#before.set(name, size);
    this.#album.load(json.album);
    if (this.#layers.size === 0) {
      this.#pending = state;
      return;
    }
    const { arrays = {} } = state;
    for (const [name, layer] of this.#layers) {
      if (layer.stale) continue;
      for (const [key, variable] of Object.entries(layer.variables)) {
        const values = arrays[`${name}/${key}`] as Float32Array | undefined;
        if (values?.length !== variable.size) {
          throw new EspalierError('bad-state', `The saved posterior has no ${key} of ${name}.`, {
            remedy: 'Resume with the recipe and the model the state was saved with.',
          });
        }
        tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, 'float32') as tf.Tensor));
      }
      layer.dropped.set(arrays[`${name}/dropped`] as Uint8Array);
    }
  }

  dispose(): void {
    for (const layer of this.#layers.values()) layer.dispose();
    this.#layers.clear();
  }
}

/**
 * Bayesian compression of a training stage (Louizos, Ullrich & Welling, NIPS 2017): every weight of the schedule's
 * layers is drawn around its present value while it is trained, and shares a multiplicative scale with its group (the
 * weights that read a unit, or that make a filter). The scales have a normal-Jeffreys prior, p(z) ∝ 1/|z|: groups that
 * the data does not ask for become noise, and are pruned.
 *
 * The penalty is the KL divergence over N, in nats. The model stays plain: its weights are the posterior's means.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`; later `unsupported-layer`, `unknown-name`, `bad-state`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * import { groupNormalJeffreys } from '@espalier/bayesian-layers';
 * const kernelInitializer = tfl.initializers.ones();
 * const model = tfl.sequential({
 *   layers: [tfl.layers.dense({ units: 1, inputShape: [8], kernelInitializer })],
 * });
 * const inputs = tf.randomNormal([64, 8], 0, 1, 'float32', 1);
 * const labels = tf.slice(inputs, [0, 0], [64, 1]); // only the first input matters
 * const batch = () => ({ inputs: tf.clone(inputs), labels: tf.clone(labels) });
 * const data = { size: 64, stepsPerEpoch: 25, batches: () => Array.from({ length: 25 }, batch) };
 * const prior = groupNormalJeffreys({ examples: 64, rates: { variances: 0.1, scales: 0.1 } });
 * const run = new Run(model, { seed: 1 });
 * const loss = (y: tf.Tensor, x: tf.Tensor) => tf.mul(tf.mean(tf.squaredDifference(x, y)), 20) as tf.Scalar;
 * await train(run, { data, epochs: 8, loss, learningRate: 0.05, schedules: [{ plugin: prior }] });
 * const weights = Array.from(run.parameters[0].variable.dataSync());
 * if (weights.filter((w) => w !== 0).length !== 1) throw new Error(weights.join());
 * ```
 */
export function groupNormalJeffreys(options: GroupPriorOptions = {}): GroupPrior {
  return new GroupPosterior(resolve('groupNormalJeffreys', options, false), 'group-normal-jeffreys');
}

/**
 * As {@link groupNormalJeffreys}, with the group horseshoe: a scale z = z̃ s, both half-Cauchy, s ~ C⁺(0, τ₀) for the
 * layer and z̃ ~ C⁺(0, 1) for the group. Groups are pulled to τ₀ unless they escape in the heavy tail: it prunes harder.
 *
 * A group is judged by the negative log mode of its scale, σ² - μ of log z.
 *
 * @throws EspalierError as {@link groupNormalJeffreys}
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { groupHorseshoe } from '@espalier/bayesian-layers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
 * const run = new Run(model, { seed: 1 });
 * const prior = groupHorseshoe({ tau: 1e-4, pruneFrom: 0 });
 * prior.start?.(run, run.select());
 * const [{ rates, threshold }] = prior.readings();
 * if (rates.length !== 4 || threshold !== 10) throw new Error(String(threshold));
 * run.prune(prior, undefined, once());
 * if ((await run.counts()).nonzero !== 12) throw new Error('nothing is known yet: all groups stay');
 * prior.dispose?.();
 * ```
 */
export function groupHorseshoe(options: HorseshoeOptions = {}): GroupPrior {
  return new GroupPosterior(resolve('groupHorseshoe', options, true), 'group-horseshoe');
}
