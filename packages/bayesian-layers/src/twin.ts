import { checkOptions, EspalierError, layersOf, parametersOf, type Run, topologyOf } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, models } from '@tensorflow/tfjs-layers';
import { groupSize } from './groups.js';
import { type BayesianLayer, bayesianClasses, isBayesian } from './layers/bayesian-layer.js';
import { type BayesianOptions, checkBayesian } from './layers/options.js';
import { layerPosterior } from './posterior.js';

/** Options of {@link fromLayersModel}. */
export interface TwinOptions extends Omit<BayesianOptions, 'start'> {
  /** Layers to turn, by name. Default: all of which there is a Bayesian form. */
  readonly layers?: readonly string[];
  readonly start?: {
    /** Standard deviation of the weights, in units of their group's root mean square. Default 0.2. */
    readonly deviation?: number;
    /** log α of the groups (normal-Jeffreys), or log σ² of the horseshoe's four logarithms. Default -4. */
    readonly scale?: number;
  };
}

type Json = { class_name?: string; config?: Record<string, unknown> } & Record<string, unknown>;

/** A copy of a topology in which `change` may replace layers. */
function rewrite(value: unknown, change: (layer: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((item) => rewrite(item, change));
  if (value === null || typeof value !== 'object') return value;
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, rewrite(item, change)]),
  ) as Json;
  return typeof copy.class_name === 'string' && copy.config ? change(copy) : copy;
}

async function rebuilt(model: LayersModel, change: (layer: Json) => Json): Promise<LayersModel> {
  const topology = rewrite(topologyOf(model), change);
  return models.modelFromJSON({ modelTopology: topology } as never);
}

/** Copies the weights that two models have under the same names. */
function copyWeights(from: LayersModel, to: LayersModel): void {
  const own = new Map(parametersOf(from).map(({ name, variable }) => [name, variable]));
  for (const { name, variable } of parametersOf(to)) {
    const value = own.get(name);
    if (value !== undefined) variable.assign(value as tf.Tensor);
  }
}

/** Moves the size of each group from the weights into its scale, so that their KL starts where it is least. */
function normalise(layer: BayesianLayer, deviation: number, start: number): void {
  const { meanWeight, biasWeight, logVariance, biasLogVariance, groups, scale, scalePrior, options } = layer;
  tf.tidy(() => {
    const kernel = meanWeight.val;
    const energy = tf.reshape(tf.sum(tf.square(kernel), [...groups.others]), [groups.count]);
    // Of a group without energy the size is not 0: its weights may grow.
    const size = tf.maximum(tf.sqrt(tf.div(energy, groupSize(kernel.shape, groups))), 1e-4);
    const sizes = size.dataSync() as Float32Array;
    for (const [key, values] of Object.entries(scalePrior.initial(sizes, start, options.tau))) {
      scale[key].write(tf.tensor1d(values));
    }
    kernel.assign(tf.div(kernel, tf.reshape(size, [...groups.broadcast])) as tf.Tensor);
    logVariance.write(tf.fill(kernel.shape, 2 * Math.log(deviation)));
    if (!biasWeight || !biasLogVariance) return;
    biasLogVariance.write(tf.fill(biasWeight.val.shape, 2 * Math.log(deviation)));
    if (groups.side === 'outputs') biasWeight.val.assign(tf.div(biasWeight.val, size) as tf.Tensor);
    else biasLogVariance.write(tf.fill(biasWeight.val.shape, 2 * Math.log(0.1 * deviation)));
  });
}

/**
 * The Bayesian twin of a model: every dense, 1-D to 3-D or depthwise convolutional layer gets a posterior, started
 * at its weights; everything else is copied. At inference the twin computes what the model does. Sequential and
 * functional models, nested ones too.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unsupported-layer` (nothing to turn, or a named layer
 *   that has no Bayesian form)
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { fromLayersModel, toLayersModel } from '@espalier/bayesian-layers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] });
 * const twin = await fromLayersModel(model, { prior: 'horseshoe' });
 * const { model: back } = await toLayersModel(twin);
 * const x = tf.tensor2d([[1, -2, 3]]);
 * const [a, b, c] = [model, twin, back].map((m) => (m.predict(x) as tf.Tensor).dataSync()[1]);
 * if (Math.abs(a - b) > 1e-5 || Math.abs(a - c) > 1e-5) throw new Error(`${a} ${b} ${c}`);
 * ```
 */
export async function fromLayersModel(model: LayersModel, options: TwinOptions = {}): Promise<LayersModel> {
  const owner = 'fromLayersModel';
  checkOptions(owner, options, ['prior', 'structure', 'maxDeviation', 'start', 'tau', 'seed', 'layers']);
  const { layers: wanted, start = {}, ...own } = options;
  const { deviation = 0.2, scale = -4 } = start;
  checkOptions(`${owner}.start`, start, ['deviation', 'scale']);
  checkBayesian(owner, { ...own, start: { scale } });
  const turned: string[] = [];
  const twin = await rebuilt(model, (layer) => {
    const name = layer.config?.name as string | undefined;
    const able = layer.class_name !== undefined && layer.class_name in bayesianClasses;
    if (name === undefined || !able || (wanted !== undefined && !wanted.includes(name))) return layer;
    turned.push(name);
    // Layers that share a seed would draw the same noise.
    const seed = own.seed === undefined ? {} : { seed: own.seed + turned.length };
    const config = { ...layer.config, ...own, ...seed, start: { scale } };
    return { ...layer, class_name: `Bayesian${layer.class_name}`, config };
  });
  const missed = wanted?.find((name) => !turned.includes(name));
  if (missed !== undefined || turned.length === 0) {
    const what = missed === undefined ? `no layer of ${model.name}` : `'${missed}' is no layer that`;
    throw new EspalierError('unsupported-layer', `${owner}: ${what} has a Bayesian form.`, {
      remedy: `Known: ${Object.keys(bayesianClasses).join(', ')}.`,
    });
  }
  copyWeights(model, twin);
  for (const layer of layersOf(twin)) if (isBayesian(layer)) normalise(layer, deviation, scale);
  return twin;
}

/** Options of {@link toLayersModel}. */
export interface PlainOptions {
  /**
   * Groups at or above it become 0: a number; `gap`, what `suggestThreshold` says of each layer; or one of these by
   * layer name. Default: all stay.
   */
  readonly threshold?: 'gap' | number | Readonly<Record<string, 'gap' | number>>;
}

/** A plain model and what is known about its weights. */
export interface Plain {
  readonly model: LayersModel;
  /** Posterior variances by parameter name (`fc1/kernel`), row-major, for precision and quantisation. */
  readonly variances: ReadonlyMap<string, Float32Array>;
  /** Hands the variances to a run over the model. */
  publish(run: Run): void;
}

/**
 * The plain model of a Bayesian twin: every weight at its posterior mean, which is what the twin computes at
 * inference. With a `threshold`, groups that the posterior has given up become 0 and can be thinned out.
 *
 * @throws EspalierError `unknown-option`
 */
export async function toLayersModel(twin: LayersModel, options: PlainOptions = {}): Promise<Plain> {
  checkOptions('toLayersModel', options, ['threshold']);
  const extra = ['prior', 'structure', 'maxDeviation', 'start', 'tau', 'seed'];
  const model = await rebuilt(twin, (layer) => {
    if (!layer.class_name?.startsWith('Bayesian')) return layer;
    const config = Object.fromEntries(
      Object.entries(layer.config as object).filter(([key]) => !extra.includes(key)),
    );
    return { ...layer, class_name: layer.class_name.slice('Bayesian'.length), config };
  });
  copyWeights(twin, model);
  const byLayer = new Map(parametersOf(twin).map((p) => [p.layer, p.name.slice(0, p.name.lastIndexOf('/'))]));
  const plain = new Map(parametersOf(model).map((p) => [p.name, p]));
  const variances = new Map<string, Float32Array>();
  for (const layer of layersOf(twin)) {
    if (!isBayesian(layer)) continue;
    const path = byLayer.get(layer) as string;
    const { rates, groups, mean, bias, variance, suggested } = layerPosterior(layer);
    const own = options.threshold;
    const cut = (typeof own === 'object' ? own[layer.name] : own) ?? Number.POSITIVE_INFINITY;
    const threshold = cut === 'gap' ? suggested.threshold : cut;
    const gone = (group: number): boolean => rates[group] >= threshold;
    const kernel = plain.get(`${path}/kernel`) ?? plain.get(`${path}/depthwise_kernel`);
    const assign = (name: string, values: Float32Array): void => {
      const variable = plain.get(name)?.variable;
      if (variable) tf.tidy(() => variable.assign(tf.tensor(values, variable.shape) as tf.Tensor));
    };
    if (kernel === undefined) continue;
    assign(
      kernel.name,
      mean.map((w, i) => (gone(groups[i]) ? 0 : w)),
    );
    variances.set(kernel.name, variance);
    if (bias !== undefined) {
      const perOutput = layer.groups.side === 'outputs';
      assign(
        `${path}/bias`,
        bias.map((b, i) => (perOutput && gone(i) ? 0 : b)),
      );
    }
  }
  return {
    model,
    variances,
    publish(run) {
      for (const [name, values] of variances) {
        const parameter = run.parameter(name);
        run.setVariance(parameter, tf.tensor(values, parameter.shape as number[]));
      }
    },
  };
}
