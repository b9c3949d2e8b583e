import type { Parameter, Run } from '@espalier/core';

/**
 * Which weights of a parameter are still there: 1 alive, 0 pruned. Without a run (a pruner called outside of
 * one), weights that are exactly 0 count as pruned.
 */
export function surviving(parameter: Parameter, run: Run | undefined): Float32Array | undefined {
  if (run !== undefined) return run.mask(parameter)?.dataSync() as Float32Array | undefined;
  const weights = parameter.variable.dataSync();
  let alive: Float32Array | undefined;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] !== 0) continue;
    alive ??= new Float32Array(weights.length).fill(1);
    alive[i] = 0;
  }
  return alive;
}
