import type { CountedRatio, Read, RunState } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type CountedLayer, paperRatios } from '../ratios.js';

/**
 * The paper's three ratios of a run's model, each with what it counts; none where a kernel has no posterior.
 *
 * @param before - Weights of each kernel before anything was pruned, by name.
 */
export function countedRatios(
  run: RunState,
  before: ReadonlyMap<string, number>,
  read: Read,
): Record<string, CountedRatio> | Promise<Record<string, CountedRatio>> {
  const kernels = [...before].map(([name, size]) => {
    const kernel = run.parameters.find((p) => p.name === name);
    return { kernel, variance: kernel && run.variance(kernel), size };
  });
  // Without a posterior there is nothing to count by.
  if (kernels.some(({ variance }) => variance === undefined)) return {};
  return read(
    () =>
      kernels.map(({ kernel, variance }) => ({
        weights: kernel!.variable as tf.Tensor,
        variances: variance!,
      })),
    (seen) =>
      counted(kernels.map(({ kernel, size }, i) => ({ ...seen[i], shape: kernel!.shape, before: size }))),
  );
}

function counted(layers: readonly CountedLayer[]): Record<string, CountedRatio> {
  if (layers.length === 0) return {};
  const { pruning, fastPrediction, maximum, bits, exponentBits } = paperRatios(layers);
  const uncounted = 'no index, header or bias is counted';
  return {
    'pruning (paper)': {
      value: pruning,
      counts: `weights of the kernels before / in the dense blocks that are left; ${uncounted}`,
    },
    'fast prediction (paper)': {
      value: fastPrediction,
      counts: `the same in bits, at 1 + ${exponentBits} + ${bits.join(', ')} bits a weight of each layer; ${uncounted}`,
    },
    'maximum (paper)': {
      value: maximum,
      counts: `the same at the entropy of the weights rounded to those bits, with a codebook per layer; ${uncounted}`,
    },
  };
}
