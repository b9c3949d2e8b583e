import type { Parameter, Run } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';

/** The KL divergence of a layer's biases, in plain numbers: they are few. */
export interface BiasKl {
  /** 0 for a bias that is pruned. */
  readonly kept: Float64Array;
  /** μ² + σ² of each. */
  readonly energy: Float64Array;
  /** Twice the KL, but for what the groups count: those of groups are counted with them, but for the logarithm. */
  value(grouped: boolean): number;
  slopes(rate: (i: number) => number, factor: number): { mean: Float32Array; logVariance: Float32Array };
}

/** @param most - The greatest log σ²: slopes that would lead further up are 0 there. */
export function biasKl(run: Run, bias: Parameter, logVariance: tf.Variable, most: number): BiasKl {
  const mean = bias.variable.dataSync();
  const raw = logVariance.dataSync();
  const logs = Float64Array.from(raw, (x) => Math.min(x, most));
  const variance = logs.map(Math.exp);
  const mask = run.mask(bias)?.dataSync();
  const kept = Float64Array.from(mean, (_, i) => mask?.[i] ?? 1);
  const energy = kept.map((k, i) => k * (mean[i] ** 2 + variance[i]));
  return {
    kept,
    energy,
    value: (grouped) => kept.reduce((v, k, i) => v - k * logs[i] + (grouped ? 0 : energy[i] - k), 0),
    slopes: (rate, factor) => ({
      mean: Float32Array.from(mean, (m, i) => kept[i] * m * rate(i)),
      logVariance: Float32Array.from(variance, (v, i) => {
        const slope = (kept[i] * (v * rate(i) - factor)) / 2;
        return raw[i] >= most ? Math.max(0, slope) : slope;
      }),
    }),
  };
}
