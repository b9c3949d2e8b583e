import {
  EspalierError,
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
  unknownName,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { followedBy } from './internal/followed-by.js';
import { checkKernel, type KlStep, LayerPosterior, of as settingOf } from './internal/layer-posterior.js';
import { stream } from './internal/normal.js';
import { type GroupPriorOptions, type HorseshoeOptions, type Resolved, resolve } from './options.js';
import { roundToGrid } from './precision.js';
import { suggestThreshold } from './threshold.js';

/** What a layer's posterior says about its groups. */
export interface GroupReading {
  /** The kernel's name. */
  readonly name: string;
  /** Log dropout rates log α, or of a horseshoe the negative log mode of the scale, one per group. */
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
}

interface Json {
  readonly kernels: readonly string[];
  readonly examples: number | null;
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

class GroupPosterior implements GroupPrior {
  readonly name: string;
  readonly #options: Resolved;
  readonly #layers = new Map<string, LayerPosterior>();
  #run: Run | undefined;
  #examples: number | undefined;
  /** A state that came before `start`. */
  #pending: PluginState | undefined;

  constructor(options: Resolved, name: string) {
    this.name = name;
    this.#options = options;
    this.#examples = options.examples;
  }

  check(run: Run, of: Of): void {
    const { owner, groups, threshold, maxDeviation } = this.#options;
    const kernels = this.#kernels(of);
    for (const kernel of kernels) checkKernel(owner, kernel);
    const names = run.parameters.map(({ name }) => name);
    for (const option of [groups, threshold, maxDeviation]) {
      if (typeof option !== 'object') continue;
      for (const name of Object.keys(option)) {
        if (!names.includes(name)) throw unknownName(`parameter of ${owner}`, name, names);
      }
    }
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
    if (this.#layers.size === 0) {
      this.check(run, of);
      const pending = this.#pending;
      const names = pending && new Set((pending.json as Json).kernels);
      for (const kernel of names ? run.parameters.filter((p) => names.has(p.name)) : this.#kernels(of)) {
        const bias = run.parameters.find((p) => p.layer === kernel.layer && p.role === 'bias' && p.trainable);
        this.#layers.set(kernel.name, new LayerPosterior(kernel, bias, this.#options));
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

  penalty(of: Of, { at, labels }: Step): tf.Scalar {
    const run = this.#run as Run;
    const { weight, warmUp } = this.#options;
    this.#examples ??= at.stepsPerEpoch * labels.shape[0];
    const layers = this.#active(of);
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
    const rates = layer.scales.rates();
    // What is pruned already says nothing about the rest, but shows where the other mode is.
    const suggested = suggestThreshold(rates, this.#range);
    const own = settingOf(this.#options.threshold, layer.kernel.name) ?? 'gap';
    return own === 'gap' ? suggested : { threshold: own, clarity: suggested.clarity };
  }

  /** Where a threshold may lie: log α from -4 to 3; a horseshoe's modes from e⁻¹ to e⁻⁹. */
  get #range(): readonly [number, number] {
    return this.#options.owner === 'groupHorseshoe' ? [1, 9] : [-4, 3];
  }

  readings(): readonly GroupReading[] {
    return [...this.#layers.values()].map((layer) => ({
      name: layer.kernel.name,
      rates: layer.scales.rates().slice(),
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
      layer.drop(this.#threshold(layer).threshold);
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

  save(): PluginState {
    const arrays: Record<string, StateArray> = {};
    for (const [name, layer] of this.#layers) {
      for (const [key, variable] of Object.entries(layer.variables)) {
        arrays[`${name}/${key}`] = variable.dataSync().slice() as Float32Array;
      }
      arrays[`${name}/dropped`] = layer.dropped.slice();
    }
    const json: Json = { kernels: [...this.#layers.keys()], examples: this.#examples ?? null };
    return { json, arrays };
  }

  load(state: PluginState): void {
    const json = state.json as Json;
    if (json.kernels.length === 0) return;
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
    this.#examples = json.examples ?? undefined;
  }

  dispose(): void {
    for (const layer of this.#layers.values()) layer.dispose();
    this.#layers.clear();
  }
}

export function groupNormalJeffreys(options: GroupPriorOptions = {}): GroupPrior {
  return new GroupPosterior(resolve('groupNormalJeffreys', options, false), 'group-normal-jeffreys');
}

export function groupHorseshoe(options: HorseshoeOptions = {}): GroupPrior {
  return new GroupPosterior(resolve('groupHorseshoe', options, true), 'group-horseshoe');
}
