import type * as tf from '@tensorflow/tfjs-core';

/** Variables that are trained at one learning rate. */
export interface ParameterGroup {
  readonly name: string;
  readonly variables: readonly tf.Variable[];
  /** Step size, > 0; schedules write to it between steps. */
  learningRate: number;
}

/** What an optimizer needs to go on bit for bit: its step count and, by variable name, its slots. */
export interface OptimizerState {
  readonly step: number;
  /** Slot values by variable name, then by slot (`m`, `v`, `momentum`), each in the variable's own layout. */
  readonly slots: Readonly<Record<string, Readonly<Record<string, Float32Array>>>>;
}

/**
 * One update rule over groups of variables. There are two implementations with the same results to float
 * tolerance: plain TF.js ops (`jsOptimizers`, every backend) and the fused kernels of the native addon
 * (`@espalier/backend`).
 */
export interface Optimizer {
  readonly groups: readonly ParameterGroup[];
  /** Replaces the groups. Slots of variables that stay are kept, those of variables that go are disposed. */
  setGroups(groups: readonly ParameterGroup[]): void;
  /**
   * Holds entries of a variable at their value: from now on its gradient is multiplied by `mask` (1 train,
   * 0 hold, in the variable's shape) and its slots are zeroed where the mask is 0. The caller owns the mask
   * and keeps it alive; `null` removes it. The variable itself is not changed.
   */
  setMask(variable: tf.Variable, mask: tf.Tensor | null): void;
  /** One step, in place. Gradients are keyed by variable name; a variable without one is left alone. */
  step(gradients: tf.NamedTensorMap): void;
  state(): Promise<OptimizerState>;
  restore(state: OptimizerState): void;
  dispose(): void;
}

/** Adam (Kingma & Ba 2015, algorithm 1): w -= lr * m̂ / (√v̂ + ε). */
export interface AdamOptions {
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to √v̂, after bias correction as in TF.js. Default 1e-7. */
  readonly epsilon?: number;
}

/** Stochastic gradient descent, optionally with (Nesterov) momentum: u = μu + g, w -= lr * u. */
export interface SgdOptions {
  /** μ in [0, 1). Default 0: plain SGD. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
}

/** The update rules a backend offers. */
export interface OptimizerFactories {
  adam(groups: readonly ParameterGroup[], options?: AdamOptions): Optimizer;
  sgd(groups: readonly ParameterGroup[], options?: SgdOptions): Optimizer;
}
