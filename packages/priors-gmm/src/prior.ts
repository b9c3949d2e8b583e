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
  type Read,
  type Regularizer,
  type Run,
  readNow,
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

/** What a step leaves for the next, on the device until the epoch's end. */
interface Live {
  readonly tau: tf.Scalar;
  readonly zeros: tf.Scalar;
}

class GaussianMixturePrior implements MixturePrior {
  readonly name = 'gaussian-mixture-prior';
  readonly #options: Resolved;
  readonly #tau: TauSchedule;
  readonly #album = new Album();
  readonly #groups = new Map<string, Group>();
  #run: Run | undefined;
  #examples: number | undefined;
  #zeros: number | undefined;
  #live: Live | undefined;
  /** A state that came before `start`. */
  #pending: PluginState | undefined;

  constructor(options: MixturePriorOptions) {
    this.#options = resolve(options);
    this.#tau = new TauSchedule(owner, this.#options.tau);
    this.#examples = this.#options.examples;
  }

  get tau(): number {
    void this.#settle(readNow);
    return this.#tau.present;
  }

  get zeros(): number | undefined {
    void this.#settle(readNow);
    return this.#zeros;
  }

  /** Brings to JavaScript what the last step left on the device. */
  #settle(read: Read): void | Promise<void> {
    const live = this.#live;
    if (live === undefined) return;
    return read(
      () => ({ ...live }),
      ({ tau: [tau], zeros: [zeros] }) => {
        this.#tau.present = this.#tau.follows ? tau : this.#tau.present;
        this.#zeros = zeros;
        this.#forget();
      },
    );
  }

  #forget(): void {
    tf.dispose([this.#live?.tau ?? [], this.#live?.zeros ?? []].flat());
    this.#live = undefined;
  }

  start(run: Run, of: Of, read: Read = readNow): void | Promise<void> {
    this.#run = run;
    if (this.#groups.size > 0) {
      for (const group of this.#groups.values()) group.follow(run);
      return this.#take(of);
    }
    const names = this.#pending && (this.#pending.json as Json).groups.flatMap(([, own]) => own);
    const members = names === undefined ? of : run.parameters.filter(({ name }) => names.includes(name));
    const sharing = [...this.#sharing(members)];
    return read(
      () => sharing.map(([, parameters]) => parameters.map(({ variable }) => variable as tf.Tensor)),
      (seen) => {
        for (const [i, [name, parameters]] of sharing.entries()) {
          const group = new Group(parameters, seen[i], this.#options);
          this.#groups.set(name, group);
          if (this.#options.frames) this.#album.open(name, seen[i], group.start);
        }
        this.#take(of);
      },
    );
  }

  /** The state that came before, if one did; then all parameters must have their mixtures. */
  #take(of: Of): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.load(pending);
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

  /** Groups with the parameters of a selection that they have. */
  #chosen(of: Of): [name: string, group: Group, parameters: Parameter[]][] {
    const wanted = new Set(of.map(({ name }) => name));
    return [...this.#groups].flatMap(([name, group]): [string, Group, Parameter[]][] => {
      const parameters = group.parameters.filter((parameter) => wanted.has(parameter.name));
      return parameters.length === 0 ? [] : [[name, group, parameters]];
    });
  }

  penalty(of: Of, { at, labels }: Step): tf.Scalar {
    this.#examples ??= at.stepsPerEpoch * labels.shape[0];
    const live = this.#live;
    const tau =
      live !== undefined && this.#tau.follows
        ? this.#tau.grown(at, live.tau, live.zeros)
        : tf.scalar(this.#tau.next(at, this.#zeros));
    const scale = tf.div(tau, this.#examples) as tf.Scalar;
    const steps = this.#chosen(of).map(([, group, parameters]) => group.step(this.#run, parameters, scale));
    const weights = steps.reduce((sum, step) => sum + step.weights, 0);
    const zeros = tf.div(
      steps.map((step) => step.zeros).reduce((a, b) => tf.add(a, b)),
      weights,
    );
    this.#forget();
    this.#live = { tau: tf.keep(tf.clone(tau)), zeros: tf.keep(tf.clone(zeros)) as tf.Scalar };
    return steps.map(({ penalty }) => penalty).reduce((a, b) => tf.add(a, b));
  }

  async epochEnd(of: Of, _at: Moment, read: Read = readNow): Promise<void> {
    await this.#settle(read);
    if (!this.#options.frames) return;
    const whole = this.#chosen(of).filter(([, group, own]) => own.length === group.parameters.length);
    await read(
      () => whole.map(([, group]) => ({ variables: group.variables, weights: weightsOf(group) })),
      (seen) => {
        for (const [i, [name, group]] of whole.entries()) {
          this.#album.epoch(name, seen[i].weights, group.mixtureOf(seen[i].variables));
        }
      },
    );
  }

  masks(
    of: Of,
    at: Moment,
    read: Read = readNow,
  ): Map<Parameter, tf.Tensor> | Promise<Map<Parameter, tf.Tensor>> {
    const { pruneFrom } = this.#options;
    // In a stage of its own a firing is the first of one epoch; before `start` there is no mixture.
    const done = (at.epoch - at.start) / (at.end - at.start);
    if (pruneFrom === undefined || done < pruneFrom || this.#groups.size === 0) return new Map();
    const groups = of.map((parameter) => this.#groupOf(parameter));
    return read(
      () =>
        of.map((parameter, i) => ({
          variables: groups[i].variables,
          weights: parameter.variable as tf.Tensor,
          before: this.#run?.mask(parameter),
        })),
      (seen) => {
        const masks = seen.map(({ variables, weights, before }, i) => {
          const components = mostResponsible(groups[i].mixtureOf(variables), weights);
          return Float32Array.from(components, (j, k) => (j === 0 || before?.[k] === 0 ? 0 : 1));
        });
        return new Map(of.map((p, i) => [p, tf.tensor(masks[i], p.shape as number[], 'float32')]));
      },
    );
  }

  quantize(
    of: Of,
    _at: Moment,
    read: Read = readNow,
  ): Map<Parameter, QuantizedTensor> | Promise<Map<Parameter, QuantizedTensor>> {
    const { merge, assign, values } = this.#options.snap;
    if (this.#examples === undefined || this.#groups.size === 0) {
      throw new EspalierError('bad-state', `${owner} is used as a quantizer before it was trained.`, {
        remedy:
          "Train a stage with it under 'schedules' first; name it under 'plugins' so that both are the same.",
      });
    }
    for (const parameter of of) this.#groupOf(parameter);
    const wanted = new Set(of.map(({ name }) => name));
    const groups = [...this.#groups];
    return read(
      () =>
        groups.map(([, group]) => ({
          variables: group.variables,
          weights: weightsOf(group),
          masks: group.parameters.map((parameter) => this.#run?.mask(parameter)),
        })),
      (seen) => {
        const found = new Map<Parameter, QuantizedTensor>();
        for (const [g, [name, group]] of groups.entries()) {
          const { variables, weights: before, masks } = seen[g];
          const mixture = group.mixtureOf(variables);
          const { merged } = mergeComponents(mixture, merge);
          const after = group.parameters.map((parameter, i) => {
            if (!wanted.has(parameter.name)) return before[i];
            const tensor = snap(merged, before[i], assign, values, masks[i]);
            found.set(parameter, tensor);
            return dequantize(tensor);
          });
          this.#album.retrained(name, before, mixture);
          this.#album.frame(name, 'post-processed', after, merged);
          this.#album.series(name, 'retrained', before);
          this.#album.series(name, 'post-processed', after);
        }
        return found;
      },
    );
  }

  mixtures(): ReadonlyMap<string, Mixture> {
    const groups = [...this.#groups];
    return readNow(
      () => groups.map(([, group]) => group.variables),
      (seen) => new Map(groups.map(([name, group], i) => [name, group.mixtureOf(seen[i])])),
    );
  }

  figures(): Figure[] {
    return this.#album.figures();
  }

  save(read: Read = readNow): PluginState | Promise<PluginState> {
    const groups = [...this.#groups];
    return read(
      () => ({ groups: groups.map(([, group]) => group.variables), live: this.#live && { ...this.#live } }),
      (seen): PluginState => {
        const arrays: Record<string, StateArray> = {};
        for (const [g, [name]] of groups.entries()) {
          for (const [i, values] of seen.groups[g].entries()) arrays[`group/${name}/${i}`] = values;
        }
        const json: Json = {
          groups: groups.map(([name, { parameters }]) => [name, parameters.map((p) => p.name)]),
          tau: (this.#tau.follows ? seen.live?.tau[0] : undefined) ?? this.#tau.present,
          zeros: seen.live?.zeros[0] ?? this.#zeros ?? null,
          examples: this.#examples ?? null,
          album: this.#album.save(arrays),
        };
        return { json, arrays };
      },
    );
  }

  load(state: PluginState): void {
    const json = state.json as Json;
    if (json.groups.length === 0) return;
    if (this.#groups.size === 0) {
      this.#pending = state;
      return;
    }
    for (const [name, group] of this.#groups) group.load(state, `group/${name}`);
    this.#forget();
    this.#tau.present = json.tau;
    this.#zeros = json.zeros ?? undefined;
    this.#examples = json.examples ?? undefined;
    this.#album.load(state, json.album);
  }

  dispose(): void {
    for (const group of this.#groups.values()) group.dispose();
    this.#groups.clear();
    this.#forget();
  }
}

function weightsOf(group: Group): tf.Tensor[] {
  return group.parameters.map(({ variable }) => variable);
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
