import {
  type KnownPenalty,
  type Parameter,
  type ParameterGroup,
  type RunState,
  settingOf,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Groups } from '../groups.js';
import { productVariance } from '../math/moments.js';
import type { Resolved } from '../options.js';
import { bounded } from './bounded.js';
import type { Factor } from './factor.js';
import { layerKl } from './layer-kl.js';
import { checkKernel, groupsFor, type LayerNumbers } from './layer-start.js';
import type { Linear } from './linear.js';
import { horseshoeScales, jeffreysScales, type Scales } from './scales.js';

/**
 * The posterior over one layer's weights, beside the plain layer. The kernel itself is its mean, the means of the
 * scales included, so that the plain layer is the deterministic network at every moment.
 */
export class LayerPosterior {
  readonly kernel: Parameter;
  readonly bias: Parameter | undefined;
  readonly groups: Groups;
  readonly linear: Linear;
  readonly logVariance: tf.Variable;
  readonly biasLogVariance: tf.Variable | undefined;
  readonly scales: Scales;
  /** 1 for groups that are pruned: the masks of their weights are 0. */
  readonly dropped: Uint8Array;
  /** σ² of the last forward pass, for the KL of the same step. */
  drawn: tf.Tensor | undefined;
  /** The greatest log σ² there is. */
  readonly #most: number | undefined;
  readonly #rates: Resolved['rates'];

  constructor(
    kernel: Parameter,
    bias: Parameter | undefined,
    options: Resolved,
    { variables, dropped }: LayerNumbers,
  ) {
    const { owner, horseshoe, tau, maxDeviation, rates } = options;
    this.kernel = kernel;
    this.bias = bias;
    this.linear = checkKernel(owner, kernel);
    this.groups = groupsFor(kernel, options);
    const most = settingOf(maxDeviation, kernel);
    this.#most = most === undefined ? undefined : 2 * Math.log(most);
    this.#rates = rates;
    this.dropped = dropped.slice();
    const shaped = (values: Float32Array, { shape }: Parameter): tf.Variable =>
      tf.tidy(() => tf.variable(tf.tensor(values, shape as number[]), true));
    this.logVariance = shaped(variables.logVariance, kernel);
    this.biasLogVariance = bias && shaped(variables.biasLogVariance, bias);
    this.scales = horseshoe ? horseshoeScales(variables, tau) : jeffreysScales(variables);
  }

  get variables(): Record<string, tf.Variable> {
    return {
      logVariance: this.logVariance,
      ...(this.biasLogVariance && { biasLogVariance: this.biasLogVariance }),
      ...this.scales.variables,
    };
  }

  trainables(): ParameterGroup[] {
    const { logVariance, biasLogVariance, scales } = this;
    const { name } = this.kernel;
    return [
      {
        name: `${name}/variances`,
        variables: biasLogVariance ? [logVariance, biasLogVariance] : [logVariance],
        learningRate: this.#rates.variances,
      },
      {
        name: `${name}/scales`,
        variables: Object.values(scales.variables),
        learningRate: this.#rates.scales,
      },
    ];
  }

  /** Log-variances as they count, no greater than they may be; differentiable. */
  bounded(logVariance: tf.Tensor): tf.Tensor {
    return bounded(logVariance, this.#most);
  }

  /** KL divergence of the posterior from the prior, times `factor`, with its gradients. See `layerKl`. */
  kl(run: RunState, factor: Factor): KnownPenalty {
    const { kernel, bias, biasLogVariance, logVariance, groups, scales, drawn } = this;
    return layerKl(
      {
        mean: kernel.variable,
        logVariance,
        mask: run.mask(kernel),
        bias: bias &&
          biasLogVariance && {
            mean: bias.variable,
            logVariance: biasLogVariance,
            mask: run.mask(bias),
          },
        groups,
        scales,
        most: this.#most,
        drawn: drawn?.isDisposed === false ? drawn : undefined,
      },
      factor,
    );
  }

  /** Var[w] of every weight: σ² + Var[z] (μ² + σ²), with z at its mean, which the weights contain. */
  variance(): tf.Tensor {
    return tf.tidy(() => {
      const { mean, variance } = this.scales.moments();
      const z = { mean, variance: tf.reshape(variance, [...this.groups.broadcast]) };
      const own = { mean: this.kernel.variable, variance: tf.exp(this.bounded(this.logVariance)) };
      return productVariance(own, z);
    });
  }

  /** The same of every bias, which has a scale where groups are outputs. */
  biasVariance(): tf.Tensor | undefined {
    const { biasLogVariance, bias, groups, scales } = this;
    if (biasLogVariance === undefined || bias === undefined) return undefined;
    return tf.tidy(() => {
      const variance = tf.exp(this.bounded(biasLogVariance));
      if (groups.side === 'inputs') return variance;
      return productVariance({ mean: bias.variable, variance }, scales.moments());
    });
  }

  dispose(): void {
    tf.dispose(Object.values(this.variables));
  }
}
