import {
  dequantize,
  EspalierError,
  type Figure,
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
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { mergeComponents, mostResponsible } from './components.js';
import { Album } from './internal/album.js';
import { Group } from './internal/group.js';
import { snap } from './internal/snap.js';
import type { Mixture } from './mixture.js';
import { type MixturePriorOptions, owner, type Resolved, resolve } from './options.js';
import { TauSchedule } from './tau.js';

/**
 * What {@link gaussianMixturePrior} makes: a Regularizer while training (and, with `pruneFrom`, a Pruner), a
 * Quantizer after it.
 */
export interface MixturePrior extends Regularizer, Quantizer, Pruner {
  /** The learned mixtures, by the name of what shares them: `all`, a layer's or a parameter's name. */
  mixtures(): ReadonlyMap<string, Mixture>;
  /** τ of the last step. */
  readonly tau: number;
  /** Share of the weights for which the zero component took most responsibility at the last step, or pruned. */
  readonly zeros: number | undefined;
  /** Pictures for the report: how the weights moved, and their histograms. */
  figures(): Figure[];
}

interface Json {
  readonly groups: readonly (readonly [string, readonly string[]])[];
  readonly tau: number;
  readonly zeros: number | null;
  readonly examples: number | null;
  readonly album: unknown;
}

class GaussianMixturePrior implements MixturePrior {
  readonly name = 'gaussian-mixture-prior';
  readonly #options: Resolved;
  readonly #tau: TauSchedule;
  readonly #album = new Album();
  readonly #groups = new Map<string, Group>();
  readonly #pruned = new WeakMap<tf.Tensor, number>();
  #run: Run | undefined;
  #examples: number | undefined;
  #zeros: number | undefined;
  /** A state that came before `start`. */
  #pending: PluginState | undefined;

  constructor(options: MixturePriorOptions) {
    this.#options = resolve(options);
    this.#tau = new TauSchedule(owner, this.#options.tau);
    this.#examples = this.#options.examples;
  }

  get tau(): number {
    return this.#tau.present;
  }

  get zeros(): number | undefined {
    return this.#zeros;
  }

  start(run: Run, of: Of): void {
    this.#run = run;
    const pending = this.#pending;
    const names =
      pending === undefined ? undefined : new Set((pending.json as Json).groups.flatMap(([, n]) => n));
    if (this.#groups.size === 0) {
      const members = names === undefined ? of : run.parameters.filter(({ name }) => names.has(name));
      for (const [name, parameters] of this.#sharing(members)) {
        const group = new Group(parameters, this.#options);
        this.#groups.set(name, group);
        if (this.#options.frames && pending === undefined) {
          this.#album.open(name, parameters.map(read), group.mixture());
        }
      }
    } else {
      for (const group of this.#groups.values()) group.follow(run);
    }
    if (pending !== undefined) {
      this.#pending = undefined;
      this.load(pending);
    }
    for (const parameter of of) this.#groupOf(parameter);
  }

  #sharing(of: Of): Map<string, Parameter[]> {
    const { share } = this.#options;
    const by = new Map<string, Parameter[]>();
    for (const parameter of of) {
      const { name } = parameter;
      const key =
        share === 'all' ? 'all' : share === 'parameter' ? name : name.slice(0, name.lastIndexOf('/'));
      by.set(key, [...(by.get(key) ?? []), parameter]);
    }
    return by;
  }

  #groupOf({ name }: Parameter): Group {
    for (const group of this.#groups.values()) {
      if (group.parameters.some((parameter) => parameter.name === name)) return group;
    }
    throw new EspalierError('bad-state', `${owner}: ${name} has had no part in this prior so far.`, {
      remedy: 'Give every stage that uses the prior the same parameters, or let the first one have them all.',
    });
  }

  trainables(): readonly ParameterGroup[] {
    return [...this.#groups.values()].flatMap((group) => group.trainables());
  }

  penalty(of: Of, { at, labels }: Step): tf.Scalar {
    this.#examples ??= at.stepsPerEpoch * labels.shape[0];
    const tau = this.#tau.next(at, this.#zeros);
    const scale = tau / this.#examples;
    const wanted = new Set(of.map(({ name }) => name));
    const first = at.step % at.stepsPerEpoch === 0;
    const penalties: tf.Scalar[] = [];
    let [zeros, weights] = [0, 0];
    for (const [name, group] of this.#groups) {
      const parameters = group.parameters.filter((parameter) => wanted.has(parameter.name));
      if (parameters.length === 0) continue;
      const values = parameters.map(read);
      if (first && parameters.length === group.parameters.length) {
        this.#album.frame(name, `epoch ${this.#album.frameCount(name)}`, values, group.mixture());
      }
      const pruned = parameters.map((parameter) => this.#prunedIn(parameter));
      const step = group.step(values, scale, pruned);
      zeros += step.zeros;
      weights += step.weights;
      const { loss } = step;
      const total = loss.data + loss.zeroPrecision + loss.precision + loss.zeroShare;
      const gradients = [
        ...step.gradients,
        ...[loss.means, loss.logPrecisions, loss.rhos].map((slopes) =>
          Float32Array.from(slopes, (x) => x * scale),
        ),
        ...(group.zeroLogit === undefined ? [] : [Float32Array.of(loss.zeroLogit * scale)]),
      ];
      const inputs = [...parameters.map(({ variable }) => variable), ...group.variables];
      penalties.push(known(inputs, total * scale, gradients));
    }
    this.#zeros = weights === 0 ? undefined : zeros / weights;
    return penalties.reduce((a, b) => tf.add(a, b));
  }

  masks(of: Of, at: Moment): Map<Parameter, tf.Tensor> {
    const { pruneFrom } = this.#options;
    const found = new Map<Parameter, tf.Tensor>();
    // In a stage of its own a firing is the first of one epoch; before `start` there is no mixture.
    const done = (at.epoch - at.start) / (at.end - at.start);
    if (pruneFrom === undefined || done < pruneFrom || this.#groups.size === 0) return found;
    for (const parameter of of) {
      const components = mostResponsible(this.#groupOf(parameter).mixture(), read(parameter));
      const before = this.#run?.mask(parameter)?.dataSync();
      const kept = Float32Array.from(components, (j, i) => (j === 0 || before?.[i] === 0 ? 0 : 1));
      found.set(parameter, tf.tensor(kept, parameter.shape as number[], 'float32'));
    }
    return found;
  }

  /** Entries of a parameter that masks hold at 0. */
  #prunedIn(parameter: Parameter): number {
    const mask = this.#run?.mask(parameter);
    if (mask === undefined) return 0;
    let count = this.#pruned.get(mask);
    if (count === undefined) {
      count = 0;
      const kept = mask.dataSync();
      for (let i = 0; i < kept.length; i++) if (kept[i] === 0) count++;
      this.#pruned.set(mask, count);
    }
    return count;
  }

  quantize(of: Of, _at: Moment): Map<Parameter, QuantizedTensor> {
    const { merge, assign, values } = this.#options.snap;
    if (this.#examples === undefined || this.#groups.size === 0) {
      throw new EspalierError('bad-state', `${owner} is used as a quantizer before it was trained.`, {
        remedy:
          "Train a stage with it under 'schedules' first; name it under 'plugins' so that both are the same.",
      });
    }
    const found = new Map<Parameter, QuantizedTensor>();
    for (const parameter of of) this.#groupOf(parameter);
    const wanted = new Set(of.map(({ name }) => name));
    for (const [name, group] of this.#groups) {
      const mixture = group.mixture();
      const { merged } = mergeComponents(mixture, merge);
      const before = group.parameters.map(read);
      const after = group.parameters.map((parameter, i) => {
        if (!wanted.has(parameter.name)) return before[i];
        const mask = this.#run?.mask(parameter)?.dataSync();
        const tensor = snap(merged, before[i], assign, values, mask);
        found.set(parameter, tensor);
        return dequantize(tensor);
      });
      this.#album.frame(name, 'retrained', before, mixture);
      this.#album.frame(name, 'post-processed', after, merged);
      this.#album.series(name, 'retrained', before);
      this.#album.series(name, 'post-processed', after);
    }
    return found;
  }

  mixtures(): ReadonlyMap<string, Mixture> {
    return new Map([...this.#groups].map(([name, group]) => [name, group.mixture()]));
  }

  figures(): Figure[] {
    return this.#album.figures();
  }

  save(): PluginState {
    const arrays: Record<string, StateArray> = {};
    for (const [name, group] of this.#groups) group.save(arrays, `group/${name}`);
    const json: Json = {
      groups: [...this.#groups].map(([name, { parameters }]) => [name, parameters.map((p) => p.name)]),
      tau: this.#tau.present,
      zeros: this.#zeros ?? null,
      examples: this.#examples ?? null,
      album: this.#album.save(arrays),
    };
    return { json, arrays };
  }

  load(state: PluginState): void {
    const json = state.json as Json;
    if (json.groups.length === 0) return;
    if (this.#groups.size === 0) {
      this.#pending = state;
      return;
    }
    for (const [name, group] of this.#groups) group.load(state, `group/${name}`);
    this.#tau.present = json.tau;
    this.#zeros = json.zeros ?? undefined;
    this.#examples = json.examples ?? undefined;
    this.#album.load(state, json.album);
  }

  dispose(): void {
    for (const group of this.#groups.values()) group.dispose();
    this.#groups.clear();
  }
}

function read({ variable }: Parameter): Float32Array {
  return variable.dataSync() as Float32Array;
}

/** A scalar of which value and gradients are known already. */
function known(inputs: readonly tf.Tensor[], value: number, gradients: readonly Float32Array[]): tf.Scalar {
  const compute = tf.customGrad(() => ({
    value: tf.scalar(value),
    gradFunc: (dy: tf.Tensor) => {
      const factor = dy.dataSync()[0];
      return gradients.map((values, i) => {
        const gradient = tf.tensor(values, inputs[i].shape, 'float32');
        return factor === 1 ? gradient : tf.mul(gradient, factor);
      });
    },
  }));
  return compute(...inputs) as tf.Scalar;
}

/**
 * Soft weight-sharing (Nowlan & Hinton 1992; Ullrich, Meeds & Welling, ICLR 2017): a Gaussian mixture over the
 * weights, learned with them, as a prior. One component sits at 0 and takes most weights; the others draw the
 * rest together, so that the weights prune and quantise themselves while they are trained. After training, the
 * same object is the quantizer that brings every weight to the mean of its component.
 *
 * The penalty is τ/N (-log p(weights) - log p(mixture)) in nats; its gradients are evaluated on a grid in one
 * pass over the weights (see the readme for how near and how fast).
 *
 * @throws EspalierError `unknown-option`, `invalid-option`; later `bad-state` (used as a quantizer before it
 *   was trained, or on parameters it was not trained with), `not-finite`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * import { gaussianMixturePrior } from '@espalier/priors-gmm';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [8] })] });
 * const inputs = tf.randomNormal([64, 8], 0, 1, 'float32', 1);
 * const labels = tf.slice(inputs, [0, 0], [64, 1]); // only the first input matters
 * const batches = () => [{ inputs: tf.clone(inputs), labels: tf.clone(labels) }];
 * const data = { size: 64, stepsPerEpoch: 1, batches };
 * const options = { data, epochs: 100, loss: 'meanSquaredError', learningRate: 0.02 } as const;
 * const run = new Run(model);
 * await train(run, options);
 * const prior = gaussianMixturePrior({ components: 3, tau: 1, zeroShare: 0.8 });
 * await train(run, { ...options, schedules: [{ plugin: prior }] });
 * await run.quantize(prior);
 * const weights = Array.from(run.parameters[0].variable.dataSync());
 * if (weights.filter((w) => w === 0).length !== 7) throw new Error(weights.join());
 * ```
 */
export function gaussianMixturePrior(options: MixturePriorOptions = {}): MixturePrior {
  return new GaussianMixturePrior(options);
}
