import { EspalierError, hash } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { defaultSide, type Groups, groupsOf, type Side } from '../groups.js';
import { bounded } from '../internal/bounded.js';
import { drawOutputs, perExample } from '../internal/forward.js';
import { type Inner, type Linear, linearOf } from '../internal/linear.js';
import { stream } from '../internal/normal.js';
import { gaussianKl } from '../kl.js';
import { type PriorName, type ScalePrior, scalePriors } from '../math/scale-priors.js';
import { checkBayesian, type ResolvedBayesian } from './options.js';

/** A layer variable of TF.js. */
export interface Weight {
  readonly val: tf.Variable;
  read(): tf.Tensor;
  write(value: tf.Tensor): void;
}

type Shape = (number | null)[];
type Config = Record<string, unknown>;

/** A TF.js layer with a kernel, as it is inside. */
interface KernelLayer extends Inner {
  kernel?: Weight;
  depthwiseKernel?: Weight;
  bias: Weight | null;
  build(inputShape: Shape | Shape[]): void;
  getConfig(): tf.serialization.ConfigDict;
  addWeight(name: string, shape: number[], dtype: 'float32', initializer: unknown): Weight;
}

/** What every Bayesian layer has beside the plain one. */
export interface BayesianLayer extends layers.Layer {
  readonly prior: PriorName;
  readonly options: ResolvedBayesian;
  readonly groups: Groups;
  /** Means of the weights, in units of their scale. */
  readonly meanWeight: Weight;
  readonly biasWeight: Weight | null;
  readonly logVariance: Weight;
  readonly biasLogVariance: Weight | undefined;
  readonly scale: Readonly<Record<string, Weight>>;
  readonly scalePrior: ScalePrior;
  /** KL divergence of the layer's posterior from its prior, in nats; differentiable. */
  klDivergence(): tf.Scalar;
}

export function isBayesian(layer: layers.Layer): layer is BayesianLayer {
  return typeof (layer as Partial<BayesianLayer>).klDivergence === 'function';
}

type LayerClass = new (config: never) => layers.Layer & KernelLayer;

function classOf(layer: layers.Layer): LayerClass {
  return layer.constructor as LayerClass;
}

let unseeded = 0;

/**
 * The Bayesian form of a TF.js layer class: the same layer, with a posterior over its weights beside them.
 * Training draws outputs, inference takes the mean: the two agree where nothing is uncertain.
 */
function bayesianClass(Base: LayerClass, name: string): LayerClass & typeof tf.serialization.Serializable {
  class Bayesian extends Base {
    static className = name;
    readonly options: BayesianLayer['options'];
    readonly prior: PriorName;
    readonly scalePrior: ScalePrior;
    logVariance!: Weight;
    biasLogVariance: Weight | undefined;
    scale: Record<string, Weight> = {};
    groups!: Groups;
    #linear!: Linear;
    #calls = 0;
    readonly #seed: number;

    constructor(config: Config) {
      super(config as never);
      this.options = checkBayesian(name, config);
      this.prior = this.options.prior;
      this.scalePrior = scalePriors[this.prior];
      this.#seed = this.options.seed ?? hash(unseeded++, Date.now());
      const linear = linearOf(this);
      if (typeof linear === 'string') {
        throw new EspalierError('unsupported-layer', `${name} ${this.name}: ${linear}.`, {
          remedy: 'Let the channels come last.',
        });
      }
      this.#linear = linear;
    }

    get meanWeight(): Weight {
      return (this.kernel ?? this.depthwiseKernel) as Weight;
    }

    get biasWeight(): Weight | null {
      return this.bias;
    }

    override build(inputShape: Shape | Shape[]): void {
      super.build(inputShape);
      const { options, meanWeight, bias } = this;
      const { shape } = meanWeight.val;
      const depthwise = this.depthwiseKernel !== undefined;
      const side: Side = options.structure ?? defaultSide({ spatial: shape.slice(0, -2).map((_, i) => i) });
      this.groups = groupsOf(shape, depthwise, side);
      const start = initializers.constant({ value: options.start.variance });
      this.logVariance = this.addWeight('kernel_log_variance', shape, 'float32', start);
      if (bias) this.biasLogVariance = this.addWeight('bias_log_variance', bias.val.shape, 'float32', start);
      const values = this.scalePrior.initial(
        new Float32Array(this.groups.count).fill(1),
        options.start.scale,
        options.tau,
      );
      for (const [key, initial] of Object.entries(values)) {
        this.scale[key] = this.addWeight(key, [initial.length], 'float32', initializers.zeros());
        const tensor = tf.tensor1d(initial);
        this.scale[key].write(tensor);
        tensor.dispose();
      }
    }

    get #scales(): Record<string, tf.Tensor> {
      return Object.fromEntries(Object.entries(this.scale).map(([key, weight]) => [key, weight.read()]));
    }

    #bounded(weight: Weight): tf.Tensor {
      const { maxDeviation } = this.options;
      return bounded(weight.read(), maxDeviation === undefined ? undefined : 2 * Math.log(maxDeviation));
    }

    override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }): tf.Tensor {
      return tf.tidy(() => {
        const x = Array.isArray(inputs) ? inputs[0] : inputs;
        return this.activation.apply(kwargs?.training ? this.#drawn(x) : this.#mean(x));
      });
    }

    #drawn(x: tf.Tensor): tf.Tensor {
      const draw = stream(this.#seed, this.#calls++);
      const z = this.scalePrior.draw(this.#scales, perExample(x, this.groups.count), draw);
      const { biasLogVariance } = this;
      const parts = {
        linear: this.#linear,
        side: this.groups.side,
        mean: this.meanWeight.read(),
        variance: tf.exp(this.#bounded(this.logVariance)),
        bias: this.bias?.read(),
        biasVariance: biasLogVariance && tf.exp(this.#bounded(biasLogVariance)),
      };
      return drawOutputs(x, z, parts, draw);
    }

    /** The bias is scaled as in training, so that this is the mean of what training draws. */
    #mean(x: tf.Tensor): tf.Tensor {
      const { mean: z } = this.scalePrior.moments(this.#scales);
      const onInputs = this.groups.side === 'inputs';
      let y = this.#linear(onInputs ? tf.mul(x, z) : x, this.meanWeight.read());
      if (this.bias) y = tf.add(y, this.bias.read());
      return onInputs ? y : tf.mul(y, z);
    }

    klDivergence(): tf.Scalar {
      return tf.tidy(() => {
        const { bias, biasLogVariance } = this;
        const parts = [
          gaussianKl(this.meanWeight.read(), this.#bounded(this.logVariance)),
          this.scalePrior.kl(this.#scales, this.options.tau),
        ];
        if (bias && biasLogVariance) parts.push(gaussianKl(bias.read(), this.#bounded(biasLogVariance)));
        return tf.addN(parts) as tf.Scalar;
      });
    }

    override getConfig(): tf.serialization.ConfigDict {
      const { structure, ...rest } = this.options;
      return {
        ...super.getConfig(),
        ...rest,
        ...(structure && { structure }),
      } as tf.serialization.ConfigDict;
    }
  }
  tf.serialization.registerClass(Bayesian as never);
  return Bayesian as never;
}

const named = { name: 'plain' };
const conv = { ...named, filters: 1, kernelSize: 1 };

/** The Bayesian classes, by the class names of the plain ones. */
export const bayesianClasses: Readonly<Record<string, LayerClass>> = Object.fromEntries(
  [
    layers.dense({ ...named, units: 1 }),
    layers.conv1d(conv),
    layers.conv2d(conv),
    layers.conv3d(conv),
    layers.depthwiseConv2d({ ...named, kernelSize: 1 }),
  ].map((layer) => {
    const name = layer.getClassName();
    return [name, bayesianClass(classOf(layer), `Bayesian${name}`)];
  }),
);
