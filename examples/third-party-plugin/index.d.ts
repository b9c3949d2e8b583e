import type { Pruner } from '@espalier/core';

export interface ObdOptions {
  /** Fraction of all weights of the schedule to prune at its last firing, in [0, 1]. */
  readonly sparsity: number;
  /** How slowly the curvature forgets old batches, in [0, 1). Default 0.99. */
  readonly decay?: number;
}

/** Optimal brain damage over all tensors of the schedule together. */
export declare function obd(options: ObdOptions): Pruner;
