import {
  type CountedRatio,
  checkNames,
  EspalierError,
  type Figure,
  type Moment,
  type Of,
  type Parameter,
  type ParameterGroup,
  type PluginState,
  type QuantizedTensor,
  type Read,
  type Run,
  readNow,
  type Step,
  settingOf,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { horseshoeRange } from '../posterior.js';
import { roundToGrid } from '../precision.js';
import type { GroupPrior, GroupReading } from '../prior.js';
import { suggestThreshold } from '../threshold.js';
import { Album } from './album.js';
import { countedRatios } from './counted-ratios.js';
import { followedBy } from './followed-by.js';
import { checkKernel, LayerPosterior, startOf } from './layer-posterior.js';
import { stream } from './normal.js';
import { type Json, loadLayers, saved, saveLayers } from './state.js';

/** The plugin behind `groupNormalJeffreys` and `groupHorseshoe`: the posteriors of a schedule's layers, trained and read. */
export class GroupPosterior implements GroupPrior {
  readonly name: string;
  readonly #options: Resolved;
  readonly #layers = new Map<string, LayerPosterior>();
  readonly #album = new Album();
  /** Weights of each kernel before anything was pruned. */
  readonly #before = new Map<string, number>();
  #run: Run | undefined;
  #examples: number | undefined;
  /** Inputs of the first step, until they are read. */
  #shown: tf.Tensor | undefined;
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

  start(run: Run, of: Of, read: Read = readNow): void | Promise<void> {
    this.#run = run;
    const pending = this.#pending;
    if (this.#layers.size > 0 || (pending === undefined && this.#before.size > 0)) {
      for (const layer of this.#layers.values()) layer.follow(run);
      return;
    }
    this.check(run, of);
    const kernels = pending ? saved(run, pending) : this.#kernels(of);
    const opened = read(
      () => kernels.map((kernel) => startOf(kernel, this.#options)),
      (seen) => {
        for (const [i, kernel] of kernels.entries()) {
          const bias = run.parameters.find(
            (p) => p.layer === kernel.layer && p.role === 'bias' && p.trainable,
          );
          this.#layers.set(kernel.name, new LayerPosterior(kernel, bias, this.#options, seen[i]));
          if (!pending) this.#before.set(kernel.name, kernel.size);
        }
        if (pending === undefined) return;
        this.#pending = undefined;
        this.load(pending);
      },
    );
    return opened instanceof Promise ? opened.then(() => this.#first(read)) : this.#first(read);
  }

  /** Pictures of where the layers start. */
  #first(read: Read): void | Promise<void> {
    const layers = [...this.#layers.values()].filter((layer) => this.#album.isNew(layer));
    if (this.#options.frames && layers.length > 0) return this.#picture(layers, 0, read);
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
    const { weight, warmUp, frames } = this.#options;
    this.#examples ??= at.stepsPerEpoch * labels.shape[0];
    const layers = this.#active(of);
    if (frames && at.step % at.stepsPerEpoch === 0) this.#keep(Array.isArray(inputs) ? inputs[0] : inputs);
    const grown = warmUp === 0 ? 1 : Math.min(1, at.index / (warmUp * at.count));
    const factor = (weight * grown) / this.#examples;
    return layers.map((layer) => layer.kl(run, factor)).reduce((a, b) => tf.add(a, b));
  }

  /** Keeps the inputs that the album is to show, to be read when the epoch ends. */
  #keep(inputs: tf.Tensor): void {
    const count = this.#album.wants(inputs.shape);
    if (count > 0 && this.#shown === undefined) this.#shown = tf.keep(tf.slice(inputs, 0, count));
  }

  /** Tells the run how precisely each weight has to be kept, and the album what there is to see. */
  epochEnd(of: Of, at: Moment, read: Read = readNow): void | Promise<void> {
    const run = this.#run as Run;
    const layers = this.#active(of);
    for (const layer of layers) {
      run.setVariance(layer.kernel, layer.variance());
      const bias = layer.biasVariance();
      if (layer.bias && bias) run.setVariance(layer.bias, bias);
    }
    if (this.#options.frames) return this.#picture(layers, at.end - at.start, read);
  }

  #picture(layers: readonly LayerPosterior[], epochs: number, read: Read): void | Promise<void> {
    const run = this.#run as Run;
    const shown = this.#shown;
    this.#shown = undefined;
    return read(
      () => ({ shown, layers: layers.map((layer) => layer.look(run)) }),
      (seen) => {
        if (shown !== undefined) this.#album.inputs(shown.shape, seen.shown!);
        shown?.dispose();
        for (const [i, layer] of layers.entries()) {
          this.#album.frame(layer, seen.layers[i].means, layer.rates(seen.layers[i]), epochs);
        }
      },
    );
  }

  #threshold(layer: LayerPosterior, rates: Float32Array): { threshold: number; clarity: number } {
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
    const run = this.#run as Run;
    const layers = [...this.#layers.values()];
    return readNow(
      () => layers.map((layer) => layer.look(run)),
      (seen) =>
        layers.map((layer, i) => {
          const rates = layer.rates(seen[i]);
          const { name } = layer.kernel;
          return { name, rates, ...this.#threshold(layer, rates), dropped: layer.dropped.slice() };
        }),
    );
  }

  masks(
    of: Of,
    at: Moment,
    read: Read = readNow,
  ): Map<Parameter, tf.Tensor> | Promise<Map<Parameter, tf.Tensor>> {
    const { pruneFrom, single } = this.#options;
    // In a stage of its own a firing is the first of one epoch.
    const done = (at.epoch - at.start) / (at.end - at.start);
    if (pruneFrom === undefined || done < pruneFrom || this.#layers.size === 0) return new Map();
    const run = this.#run as Run;
    const layers = this.#active(of);
    return read(
      () => layers.map((layer) => layer.look(run)),
      (seen) => {
        const found = new Map<Parameter, tf.Tensor>();
        for (const [i, layer] of layers.entries()) {
          layer.drop(seen[i], this.#threshold(layer, layer.rates(seen[i])).threshold);
          const { kernel, bias, groups, dropped } = layer;
          found.set(kernel, tf.tensor(layer.kept(seen[i], single), kernel.shape as number[]));
          if (groups.side === 'inputs') continue;
          // A filter that goes takes along its bias and what normalises it: nothing constant remains.
          const stays = Float32Array.from(dropped, (d) => 1 - d);
          for (const parameter of [...(bias ? [bias] : []), ...followedBy(run, kernel.layer)]) {
            if (parameter.size === stays.length) found.set(parameter, tf.tensor1d(stays));
          }
        }
        return found;
      },
    );
  }

  quantize(
    of: Of,
    _at: Moment,
    read: Read = readNow,
  ): Map<Parameter, QuantizedTensor> | Promise<Map<Parameter, QuantizedTensor>> {
    const known = of.map((parameter) => {
      const variance = this.#run?.variance(parameter);
      if (variance !== undefined) return { parameter, variance };
      throw new EspalierError('bad-state', `${this.#options.owner}: ${parameter.name} has no posterior.`, {
        remedy: "Train a stage with it under 'schedules' first, and name the parameters it was trained on.",
      });
    });
    return read(
      () => known.map(({ parameter, variance }) => ({ weights: parameter.variable as tf.Tensor, variance })),
      (seen) =>
        new Map(known.map(({ parameter }, i) => [parameter, roundToGrid(seen[i].weights, seen[i].variance)])),
    );
  }

  figures(): Figure[] {
    return this.#album.figures();
  }

  paperRatios(
    run: Run,
    read: Read = readNow,
  ): Record<string, CountedRatio> | Promise<Record<string, CountedRatio>> {
    return countedRatios(run, this.#before, read);
  }

  save(read: Read = readNow): PluginState | Promise<PluginState> {
    const rest = { before: [...this.#before], examples: this.#examples ?? null, album: this.#album.save() };
    return saveLayers(this.#layers, rest, read);
  }

  load(state: PluginState): void {
    const json = state.json as Json;
    if (json.kernels.length === 0) return;
    this.#examples = json.examples ?? undefined;
    for (const [name, size] of json.before) this.#before.set(name, size);
    this.#album.load(json.album);
    if (this.#layers.size === 0) this.#pending = state;
    else loadLayers(this.#layers, state);
  }

  dispose(): void {
    for (const layer of this.#layers.values()) layer.dispose();
    this.#layers.clear();
    this.#shown?.dispose();
    this.#shown = undefined;
  }
}
