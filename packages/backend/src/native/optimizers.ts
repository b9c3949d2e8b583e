import { checkAdam, checkSgd } from '../optimizer-options.js';
import { FusedOptimizer, type VariableGroup } from './fused-optimizer.js';
import type { FusedRule } from './update/updated.js';

/** Options of Adam; fits `AdamOptions` of `@espalier/core`. */
export interface FusedAdamOptions {
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to √v̂, after bias correction as in TF.js. Default 1e-7. */
  readonly epsilon?: number;
}

/** Options of stochastic gradient descent; fits `SgdOptions` of `@espalier/core`. */
export interface FusedSgdOptions {
  /** μ in [0, 1). Default 0: plain SGD. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
}

/** The update rules as TensorFlow's fused kernels; fits `OptimizerFactories` of `@espalier/core`. */
export interface NativeOptimizers {
  adam(groups: readonly VariableGroup[], options?: FusedAdamOptions): FusedOptimizer;
  sgd(groups: readonly VariableGroup[], options?: FusedSgdOptions): FusedOptimizer;
}

/**
 * TensorFlow's fused update kernels. They need the native backend: see `startBackend().optimizers`.
 * Adam: Kingma & Ba (2015), algorithm 1; momentum: Sutskever et al. (2013), eq. 1-4, with the rate outside of u.
 *
 * @throws BackendError `optimizer` for options out of range
 *
 * @example
 * ```ts
 * import { startBackend } from '@espalier/backend';
 * import * as tf from '@tensorflow/tfjs-core';
 * const { optimizers } = await startBackend();
 * if (optimizers) { // on the native backend
 *   const w = tf.variable(tf.tensor1d([1, 2]));
 *   const sgd = optimizers.sgd([{ name: 'all', variables: [w], learningRate: 0.5 }], { momentum: 0.9 });
 *   sgd.step({ [w.name]: tf.tensor1d([1, -1]) });
 *   if (w.dataSync().join() !== '0.5,2.5') throw new Error(w.dataSync().join());
 *   sgd.dispose();
 * }
 * ```
 */
export const nativeOptimizers: NativeOptimizers = {
  adam(groups, { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = {}) {
    checkAdam(beta1, beta2, epsilon);
    const rule: FusedRule = {
      op: 'ResourceApplyAdam',
      slots: ['m', 'v'],
      attributes: (make) => [make.bool('use_nesterov', false)],
      own: { op: 'EspalierAdam', scalars: ['rate', 'beta1', 'beta2', 'epsilon'] },
      inputs: ['value', 'm', 'v', 'zero', 'zero', 'rate', 'beta1', 'beta2', 'epsilon', 'gradient'],
      // The kernel computes w -= a m / (√v + ε') with a = rate √(1 - β2ᵗ) / (1 - β1ᵗ), in float32. Adam as TF.js
      // has it (ε added after bias correction) is the same with ε' = ε √(1 - β2ᵗ). a is computed here, in double
      // precision, and the kernel is told that both powers are 0.
      scalars: (step, learningRate) => {
        const correction2 = Math.sqrt(1 - beta2 ** step);
        const rate = (learningRate * correction2) / (1 - beta1 ** step);
        return { zero: 0, rate, beta1, beta2, epsilon: epsilon * correction2 };
      },
    };
    return new FusedOptimizer(rule, groups);
  },
  sgd(groups, { momentum = 0, nesterov = false } = {}) {
    checkSgd(momentum, nesterov);
    if (momentum === 0) {
      return new FusedOptimizer(
        {
          op: 'ResourceApplyGradientDescent',
          slots: [],
          attributes: () => [],
          own: { op: 'EspalierDescent', scalars: ['rate'] },
          inputs: ['value', 'rate', 'gradient'],
          scalars: (_step, rate) => ({ rate }),
        },
        groups,
      );
    }
    return new FusedOptimizer(
      {
        op: 'ResourceApplyMomentum',
        slots: ['momentum'],
        attributes: (make) => [make.bool('use_nesterov', nesterov)],
        // u = μu + g; w -= rate u, or with Nesterov w -= rate (g + μu).
        inputs: ['value', 'momentum', 'rate', 'gradient', 'mu'],
        own: { op: 'EspalierMomentum', scalars: ['rate', 'mu', 'nesterov'] },
        scalars: (_step, rate) => ({ rate, mu: momentum, nesterov: nesterov ? 1 : 0 }),
      },
      groups,
    );
  },
};
