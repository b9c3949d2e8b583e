import {
  EspalierError,
  type Parameter,
  type ParameterGroup,
  type Run,
  readNow,
  type Seen,
  settingOf,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { bounded } from './bounded.js';
import { drawDense, never } from './draw-dense.js';
import { drawOutputs, perExample } from './forward.js';
import { defaultSide, type Groups, groupIndices, groupSize, groupsOf } from './groups.js';
import { dropGroups, groupRates, type Judged, keptWeights } from './judge.js';
import { hasKernel } from './kernels.js';
import { layerKl } from './layer-kl.js';
import { dense, type Inner, type Linear, linearOf, supported } from './linear.js';
import type { Draw } from './normal.js';
import { horseshoeScales, jeffreysScales, type Scales } from './scales.js';
import { groupSums } from './sums.js';

type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }) => tf.Tensor | tf.Tensor[];

function variable(value: tf.Tensor): tf.Variable {
  return tf.variable(value, true);
}

/** Throws what `LayerPosterior` would throw about this kernel. @throws EspalierError `unsupported-layer` */
export function checkKernel(owner: string, { name, layer, role }: Parameter): Linear {
  const linear = role === 'kernel' || role === 'depthwise' ? linearOf(layer) : `it is a ${role} weight`;
  if (typeof linear !== 'string') return linear;
  throw new EspalierError('unsupported-layer', `${owner} cannot take ${name}: ${linear}.`, {
    remedy: `Leave it out of the schedule's parameters. Known layers: ${supported.join(', ')}.`,
  });
}

/** What is read to judge a posterior's groups. */
export type LookedAt = {
  readonly means: tf.Tensor;
  readonly logVariances: tf.Tensor;
  readonly mask: tf.Tensor | undefined;
  readonly rates: tf.Tensor;
};

/** What a posterior's start depends on: the mean square of a kernel's weights, of all and of each group. */
export type Start = { readonly square: tf.Tensor; readonly groups: tf.Tensor };

/** Within a tidy. */
export function startOf(kernel: Parameter, options: Resolved): Start {
  const groups = groupsFor(kernel, options.groups);
  const square = tf.square(kernel.variable);
  const means = tf.div(groupSums(square, groups), groupSize(kernel.shape, groups));
  return { square: tf.mean(square), groups: means };
}

function groupsFor(kernel: Parameter, sides: Resolved['groups']): Groups {
  const side = settingOf(sides, kernel) ?? defaultSide(kernel.axes);
  return groupsOf(kernel.shape, kernel.role === 'depthwise', side);
}

/**
 * The posterior over one layer's weights, beside the plain layer. The kernel itself is its mean, the means of the
 * scales included, so that the plain layer is the deterministic network at every moment.
 */
export class LayerPosterior {
  kernel: Parameter;
  bias: Parameter | undefined;
  readonly groups: Groups;
  readonly logVariance: tf.Variable;
  readonly biasLogVariance: tf.Variable | undefined;
  readonly scales: Scales;
  /** 1 for groups that are pruned. */
  readonly dropped: Uint8Array;
  /** The model was cut: its groups are others now. */
  stale = false;
  #linear: Linear;
  #drawn: tf.Tensor | undefined;
  readonly #most: number | undefined;

  /** @param seen - Numbers of what `startOf` tells of the kernel. */
  constructor(
    kernel: Parameter,
    bias: Parameter | undefined,
    options: Resolved,
    seen: Seen<Start> = readNow(
      () => startOf(kernel, options),
      (found) => found,
    ),
  ) {
    const { owner, groups, start, tau, maxDeviation } = options;
    this.kernel = kernel;
    this.bias = bias;
    this.#linear = checkKernel(owner, kernel);
    const most = settingOf(maxDeviation, kernel);
    this.#most = most === undefined ? undefined : 2 * Math.log(most);
    this.groups = groupsFor(kernel, groups);
    const { count } = this.groups;
    this.dropped = new Uint8Array(count);
    const rootMeanSquare = Math.sqrt(seen.square[0] || 1e-4);
    const logVariance = 2 * Math.log(start.deviation * rootMeanSquare);
    [this.logVariance, this.biasLogVariance] = tf.tidy(() => [
      variable(tf.fill(kernel.shape as number[], logVariance)),
      bias && variable(tf.fill(bias.shape as number[], logVariance)),
    ]);
    const sizes = seen.groups.map((square) => Math.sqrt(square + Math.exp(logVariance)));
    this.scales =
      owner === 'groupHorseshoe'
        ? horseshoeScales(sizes, start.scale, tau)
        : jeffreysScales(count, start.scale);
  }

  /** Looks for the same weights in a run that may hold another model by now. */
  follow(run: Run): void {
    const find = (name: string): Parameter | undefined => run.parameters.find((p) => p.name === name);
    const next = find(this.kernel.name);
    this.stale = next === undefined || next.shape.join() !== this.kernel.shape.join();
    if (this.stale) return;
    const same = next === this.kernel;
    this.kernel = next as Parameter;
    this.bias = this.bias && find(this.bias.name);
    if (!same) this.#linear = checkKernel('', this.kernel);
  }

  get variables(): Record<string, tf.Variable> {
    return {
      logVariance: this.logVariance,
      ...(this.biasLogVariance && { biasLogVariance: this.biasLogVariance }),
      ...this.scales.variables,
    };
  }

  /** All that the KL depends on. */
  get trained(): tf.Variable[] {
    return [
      this.kernel.variable,
      ...(this.bias ? [this.bias.variable] : []),
      ...Object.values(this.variables),
    ];
  }

  trainables({ rates }: Resolved): ParameterGroup[] {
    const { logVariance, biasLogVariance, scales } = this;
    const { name } = this.kernel;
    return [
      {
        name: `${name}/variances`,
        variables: biasLogVariance ? [logVariance, biasLogVariance] : [logVariance],
        learningRate: rates.variances,
      },
      { name: `${name}/scales`, variables: Object.values(scales.variables), learningRate: rates.scales },
    ];
  }

  #bounded(x: tf.Tensor): tf.Tensor {
    return bounded(x, this.#most);
  }

  /** Lets the layer draw its outputs until the returned function is called. Only passes of training do. */
  arm(run: Run, draw: Draw): () => void {
    const layer = this.kernel.layer as unknown as Inner & { call: Call };
    const plain = layer.call;
    const mask = run.mask(this.kernel);
    const biasMask = this.bias && run.mask(this.bias);
    const variance = tf.exp(this.#bounded(this.logVariance));
    this.#drawn = variance;
    const spread = mask === undefined ? variance : tf.mul(variance, mask);
    layer.call = (inputs, kwargs) => {
      if (!kwargs?.training) return plain.call(layer, inputs, kwargs);
      return tf.tidy(() => {
        const y = this.#outputs(Array.isArray(inputs) ? inputs[0] : inputs, spread, biasMask, draw);
        return layer.activation ? layer.activation.apply(y) : y;
      });
    };
    return () => {
      // What shadowed the prototype's method goes; another plugin's stays.
      if (plain === Object.getPrototypeOf(layer).call) Reflect.deleteProperty(layer, 'call');
      else layer.call = plain;
    };
  }

  #outputs(x: tf.Tensor, variance: tf.Tensor, biasMask: tf.Tensor | undefined, draw: Draw): tf.Tensor {
    const { scales, groups, biasLogVariance } = this;
    const { side, count } = groups;
    const linear = this.#linear;
    const parts = { linear, side, mean: this.kernel.variable, variance, bias: this.bias?.variable };
    const logs = biasLogVariance && this.#bounded(biasLogVariance);
    const quick = x.rank === 2 && linear === dense && side === 'inputs' && hasKernel('EspalierScaleNoise');
    if (quick && scales.logRate && draw.seed) {
      // What is pruned does not vary.
      const biasLogVariance =
        logs && biasMask ? tf.where(tf.cast(biasMask, 'bool'), logs, tf.fill(logs.shape, never)) : logs;
      return drawDense(x, { ...parts, biasLogVariance, logRate: scales.logRate }, draw.seed);
    }
    const z = scales.draw(perExample(x, count), draw);
    const own = logs && tf.exp(logs);
    return drawOutputs(x, z, { ...parts, biasVariance: own && biasMask ? tf.mul(own, biasMask) : own }, draw);
  }

  /** KL divergence of the posterior from the prior, times `factor`; differentiable. See `layerKl`. */
  kl(run: Run, factor: number): tf.Scalar {
    const { kernel, bias, biasLogVariance, logVariance, groups, scales, dropped } = this;
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
        alive: dropped.includes(1) ? tf.tensor1d(Float32Array.from(dropped, (d) => 1 - d)) : undefined,
        most: this.#most,
        drawn: this.#drawn?.isDisposed === false ? this.#drawn : undefined,
      },
      factor,
    );
  }

  /** Var[w] of every weight: z² σ² + Var[z] (μ² + σ²), with z at its mean, which the weights contain. */
  variance(): tf.Tensor {
    return tf.tidy(() => {
      const relative = tf.reshape(this.scales.relativeVariance(), [...this.groups.broadcast]);
      const own = tf.exp(this.#bounded(this.logVariance));
      return tf.add(own, tf.mul(relative, tf.add(tf.square(this.kernel.variable), own)));
    });
  }

  biasVariance(): tf.Tensor | undefined {
    const { biasLogVariance, bias, groups, scales } = this;
    if (biasLogVariance === undefined || bias === undefined) return undefined;
    return tf.tidy(() => {
      const own = tf.exp(this.#bounded(biasLogVariance));
      if (groups.side === 'inputs') return tf.clone(own);
      const relative = scales.relativeVariance();
      return tf.add(own, tf.mul(relative, tf.add(tf.square(bias.variable), own)));
    });
  }

  /** What the groups are judged by, to be read. Within a tidy. */
  look(run: Run): LookedAt {
    return {
      means: this.kernel.variable,
      logVariances: this.#bounded(this.logVariance),
      mask: run.mask(this.kernel),
      rates: this.scales.rates(),
    };
  }

  #judged({ means, logVariances, mask }: Seen<LookedAt>): Judged {
    return { group: groupIndices(this.kernel.shape, this.groups), means, logVariances, mask };
  }

  /** What each group is judged by, see `groupRates`. */
  rates(seen: Seen<LookedAt>): Float32Array {
    return groupRates(seen.rates, this.scales.relative, this.#judged(seen));
  }

  /** Prunes groups at or above a threshold, for good; one at least stays. */
  drop(seen: Seen<LookedAt>, threshold: number): void {
    dropGroups(this.rates(seen), threshold, this.dropped);
  }

  /** Which weights stay (1), see `keptWeights`. */
  kept(seen: Seen<LookedAt>, single: number | undefined): Float32Array {
    return keptWeights(this.#judged(seen), this.dropped, single);
  }

  dispose(): void {
    tf.dispose(Object.values(this.variables));
  }
}
