import { EspalierError, type Parameter, type ParameterGroup, type Run, settingOf } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { biasKl } from './bias-kl.js';
import { bounded } from './bounded.js';
import { drawDense } from './draw-dense.js';
import { drawOutputs, perExample } from './forward.js';
import { gaussianSlopes, gaussianSums } from './gaussian-kl.js';
import { defaultSide, type Groups, groupIndices, groupSize, groupsOf } from './groups.js';
import { dropGroups, groupRates, type Judged, keptWeights } from './judge.js';
import { hasNoiseKernels } from './kernels.js';
import { dense, type Inner, type Linear, linearOf, supported } from './linear.js';
import type { Draw } from './normal.js';
import { horseshoeScales, jeffreysScales, type Scales } from './scales.js';
import { groupSums } from './sums.js';

type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }) => tf.Tensor | tf.Tensor[];

/** A term of the loss, and its gradients. */
export interface KlStep {
  readonly value: number;
  readonly gradients: readonly (readonly [tf.Variable, tf.Tensor])[];
}

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

  constructor(kernel: Parameter, bias: Parameter | undefined, options: Resolved) {
    const { owner, groups, start, tau, maxDeviation } = options;
    this.kernel = kernel;
    this.bias = bias;
    this.#linear = checkKernel(owner, kernel);
    const most = settingOf(maxDeviation, kernel);
    this.#most = most === undefined ? undefined : 2 * Math.log(most);
    const side = settingOf(groups, kernel) ?? defaultSide(kernel.axes);
    this.groups = groupsOf(kernel.shape, kernel.role === 'depthwise', side);
    const { count } = this.groups;
    this.dropped = new Uint8Array(count);
    const rootMeanSquare = Math.sqrt(
      tf.tidy(() => tf.mean(tf.square(kernel.variable)).dataSync()[0]) || 1e-4,
    );
    const logVariance = 2 * Math.log(start.deviation * rootMeanSquare);
    [this.logVariance, this.biasLogVariance] = tf.tidy(() => [
      variable(tf.fill(kernel.shape as number[], logVariance)),
      bias && variable(tf.fill(bias.shape as number[], logVariance)),
    ]);
    this.scales =
      owner === 'groupHorseshoe' ? this.#horseshoe(start.scale, tau) : jeffreysScales(count, start.scale);
  }

  #horseshoe(logVariance: number, tau: number): Scales {
    const sizes = tf.tidy(() => {
      const energy = tf.add(tf.square(this.kernel.variable), tf.exp(this.logVariance));
      const mean = tf.div(groupSums(energy, this.groups), groupSize(this.kernel.shape, this.groups));
      return tf.sqrt(mean).dataSync() as Float32Array;
    });
    return horseshoeScales(sizes, logVariance, tau);
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
    const variance = tf.exp(this.#bounded(this.logVariance));
    this.#drawn = variance;
    const spread = mask === undefined ? variance : tf.mul(variance, mask);
    layer.call = (inputs, kwargs) => {
      if (!kwargs?.training) return plain.call(layer, inputs, kwargs);
      return tf.tidy(() => {
        const y = this.#outputs(Array.isArray(inputs) ? inputs[0] : inputs, spread, draw);
        return layer.activation ? layer.activation.apply(y) : y;
      });
    };
    return () => {
      // What shadowed the prototype's method goes; another plugin's stays.
      if (plain === Object.getPrototypeOf(layer).call) Reflect.deleteProperty(layer, 'call');
      else layer.call = plain;
    };
  }

  #outputs(x: tf.Tensor, variance: tf.Tensor, draw: Draw): tf.Tensor {
    const { scales, groups, biasLogVariance } = this;
    const { side, count } = groups;
    const linear = this.#linear;
    const parts = { linear, side, mean: this.kernel.variable, variance, bias: this.bias?.variable };
    const logs = biasLogVariance && this.#bounded(biasLogVariance);
    const quick = x.rank === 2 && linear === dense && side === 'inputs' && hasNoiseKernels();
    if (quick && scales.logRate && draw.seed) {
      return drawDense(x, { ...parts, biasLogVariance: logs, logRate: scales.logRate }, draw.seed);
    }
    const z = scales.draw(perExample(x, count), draw);
    return drawOutputs(x, z, { ...parts, biasVariance: logs && tf.exp(logs) }, draw);
  }

  /**
   * KL divergence of the posterior from the prior, times `factor`, and its gradients. The weights' part is
   * Σ ½ ((μ² + σ²)/z² - 1 - log σ² + log z²), z their group's scale: with μ = z μ̃ and σ = z σ̃ the KL of
   * w̃ ~ N(μ̃, σ̃²) from N(0, 1). Biases belong to their groups where these are outputs; else their prior is N(0, 1).
   */
  kl(run: Run, factor: number): KlStep {
    const { groups, scales, kernel, bias, biasLogVariance } = this;
    const { count, side } = groups;
    const logs = this.#bounded(this.logVariance);
    // σ² of this step's forward pass, if it is still there.
    const variance = this.#drawn?.isDisposed === false ? this.#drawn : tf.exp(logs);
    const weights = { mean: kernel.variable, variance, logVariance: logs, mask: run.mask(kernel), groups };
    const { energy, size, logs: logSum } = gaussianSums(weights);
    let value = -logSum;
    const biases = bias && biasLogVariance && biasKl(run, bias, biasLogVariance, this.#most ?? Infinity);
    const grouped = side === 'outputs';
    if (biases && grouped) {
      for (let i = 0; i < count; i++) {
        energy[i] += biases.energy[i];
        size[i] += biases.kept[i];
      }
    }
    for (let i = 0; i < count; i++) if (this.dropped[i] === 1) size[i] = 0;
    const own = scales.kl(energy, size);
    const rate = Float32Array.from(own.square, (z2) => factor / z2);
    for (let i = 0; i < count; i++) {
      if (size[i] > 0) value += energy[i] / own.square[i] + size[i] * (Math.log(own.square[i]) - 1);
    }
    const slopes = gaussianSlopes(weights, rate, factor);
    const gradients: [tf.Variable, tf.Tensor][] = [
      [kernel.variable, slopes.mean],
      // Where log σ² is as great as it may be, it only gets slopes that lead down.
      [this.logVariance, this.#held(slopes.logVariance)],
    ];
    for (const [name, slopes] of Object.entries(own.gradients)) {
      gradients.push([scales.variables[name], tf.tensor1d(slopes.map((x) => x * factor))]);
    }
    if (biases) {
      value += biases.value(grouped);
      const slopes = biases.slopes((i) => (grouped ? rate[i] : factor), factor);
      gradients.push([(bias as Parameter).variable, tf.tensor1d(slopes.mean)]);
      gradients.push([biasLogVariance, tf.tensor1d(slopes.logVariance)]);
    }
    return { value: factor * (value / 2 + own.value), gradients };
  }

  /** Slopes that would lead a bounded log σ² further up are 0. */
  #held(gradient: tf.Tensor): tf.Tensor {
    const most = this.#most;
    if (most === undefined) return gradient;
    return tf.where(tf.less(this.logVariance, most), gradient, tf.relu(gradient));
  }

  /** Var[w] of every weight: z² σ² + Var[z] (μ² + σ²), with z at its mean, which the weights contain. */
  variance(): tf.Tensor {
    return tf.tidy(() => {
      const relative = tf.tensor(this.scales.relativeVariance(), [...this.groups.broadcast]);
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
      const relative = tf.tensor1d(scales.relativeVariance());
      return tf.add(own, tf.mul(relative, tf.add(tf.square(bias.variable), own)));
    });
  }

  #judged(run: Run): Judged {
    return {
      group: groupIndices(this.kernel.shape, this.groups),
      means: this.kernel.variable.dataSync(),
      logVariances: tf.tidy(() => this.#bounded(this.logVariance).dataSync()),
      mask: run.mask(this.kernel)?.dataSync(),
    };
  }

  /** What each group is judged by, see `groupRates`. */
  rates(run: Run): Float32Array {
    return groupRates(this.scales.rates(), this.scales.relative, this.#judged(run));
  }

  /** Prunes groups at or above a threshold, for good; one at least stays. */
  drop(run: Run, threshold: number): void {
    dropGroups(this.rates(run), threshold, this.dropped);
  }

  /** Which weights stay (1), see `keptWeights`. */
  kept(run: Run, single: number | undefined): Float32Array {
    return keptWeights(this.#judged(run), this.dropped, single);
  }

  dispose(): void {
    tf.dispose(Object.values(this.variables));
  }
}
