import { EspalierError, type Parameter, type ParameterGroup, type Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { bounded } from './bounded.js';
import { drawOutputs, perExample } from './forward.js';
import { defaultSide, type Groups, groupIndices, groupSize, groupsOf } from './groups.js';
import { type Inner, type Linear, linearOf, supported } from './linear.js';
import type { Draw } from './normal.js';
import { energyOf, scaledKl } from './scaled-kl.js';
import { horseshoeScales, jeffreysScales, type Scales } from './scales.js';

type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }) => tf.Tensor | tf.Tensor[];

/** One number for all, or one by parameter name. */
export function of<T>(value: T | Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, T>)[name] : value;
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
  readonly #most: number | undefined;

  constructor(kernel: Parameter, bias: Parameter | undefined, options: Resolved) {
    const { owner, groups, start, tau, maxDeviation } = options;
    this.kernel = kernel;
    this.bias = bias;
    this.#linear = checkKernel(owner, kernel);
    const most = of(maxDeviation, kernel.name);
    this.#most = most === undefined ? undefined : 2 * Math.log(most);
    const side = of(groups, kernel.name) ?? defaultSide(kernel.axes);
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
      const { energy } = energyOf({ mean: this.kernel.variable, logVariance: this.logVariance }, this.groups);
      return tf.sqrt(tf.div(energy, groupSize(this.kernel.shape, this.groups))).dataSync() as Float32Array;
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
    const { groups, scales, bias, biasLogVariance } = this;
    const mask = run.mask(this.kernel);
    layer.call = (inputs, kwargs) => {
      if (!kwargs?.training) return plain.call(layer, inputs, kwargs);
      return tf.tidy(() => {
        const x = Array.isArray(inputs) ? inputs[0] : inputs;
        const z = scales.draw(perExample(x, groups.count), draw);
        const variance = tf.exp(this.#bounded(this.logVariance));
        const parts = {
          linear: this.#linear,
          side: groups.side,
          mean: this.kernel.variable,
          variance: mask === undefined ? variance : tf.mul(variance, mask),
          bias: bias?.variable,
          biasVariance: biasLogVariance && tf.exp(this.#bounded(biasLogVariance)),
        };
        const y = drawOutputs(x, z, parts, draw);
        return layer.activation ? layer.activation.apply(y) : y;
      });
    };
    return () => {
      // What shadowed the prototype's method goes; another plugin's stays.
      if (plain === Object.getPrototypeOf(layer).call) Reflect.deleteProperty(layer, 'call');
      else layer.call = plain;
    };
  }

  /** KL divergence of the posterior from the prior, in nats. */
  kl(run: Run): tf.Tensor {
    const { groups, scales, kernel, bias, biasLogVariance } = this;
    const mask = run.mask(kernel);
    const weights = { mean: kernel.variable, logVariance: this.#bounded(this.logVariance), mask };
    const { energy, size } = energyOf(weights, groups);
    const kept = tf.tensor1d(Float32Array.from(this.dropped, (d) => 1 - d));
    const logScale = scales.logScale(energy, size);
    const parts = [scaledKl(weights, groups, logScale), scales.kl(kept)];
    if (bias && biasLogVariance) {
      const own = { mean: bias.variable, logVariance: this.#bounded(biasLogVariance), mask: run.mask(bias) };
      // Groups of outputs scale their biases as well; elsewhere the bias has a standard normal prior.
      const perBias = { ...groupsOf([1, bias.size], false, 'outputs'), others: [], broadcast: [bias.size] };
      const scale = groups.side === 'outputs' ? logScale : tf.zeros([bias.size]);
      parts.push(scaledKl(own, perBias, scale));
    }
    return tf.addN(parts.map((part) => tf.reshape(part, [])));
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

  /** Prunes groups at or above a threshold, for good; one at least stays. */
  drop(threshold: number): void {
    const rates = this.scales.rates();
    let least = 0;
    for (let i = 1; i < rates.length; i++) {
      const better = this.dropped[i] < this.dropped[least] || rates[i] < rates[least];
      if (this.dropped[i] <= this.dropped[least] && better) least = i;
    }
    for (let i = 0; i < rates.length; i++) if (rates[i] >= threshold && i !== least) this.dropped[i] = 1;
  }

  /** Which weights stay (1): those of groups that stay, and not mere noise by themselves. */
  kept(run: Run, single: number | undefined): Float32Array {
    const group = groupIndices(this.kernel.shape, this.groups);
    const before = run.mask(this.kernel)?.dataSync();
    const means = this.kernel.variable.dataSync();
    const logs = tf.tidy(() => this.#bounded(this.logVariance).dataSync());
    return Float32Array.from(group, (g, i) => {
      if (this.dropped[g] === 1 || before?.[i] === 0) return 0;
      return single !== undefined && logs[i] - Math.log(means[i] ** 2 + 1e-30) >= single ? 0 : 1;
    });
  }

  dispose(): void {
    tf.dispose(Object.values(this.variables));
  }
}
