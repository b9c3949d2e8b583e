import type { VariableGroup } from '../../native/fused-optimizer.js';
import type { FusedAdamOptions, FusedSgdOptions } from '../../native/optimizers.js';
import { checkAdam, checkSgd } from '../../optimizer-options.js';
import { GpuOptimizer } from './fused-optimizer.js';

/** The update rules as programs on WebGPU; fits `OptimizerFactories` of `@espalier/core`. */
export interface GpuOptimizers {
  adam(groups: readonly VariableGroup[], options?: FusedAdamOptions): GpuOptimizer;
  sgd(groups: readonly VariableGroup[], options?: FusedSgdOptions): GpuOptimizer;
}

/**
 * Adam and SGD in one program per variable. They need the WebGPU backend: see `startBackend().optimizers`.
 * Adam: Kingma & Ba (2015), algorithm 1; momentum: Sutskever et al. (2013), eq. 1-4, with the rate outside of u.
 *
 * @throws BackendError `optimizer` for options out of range
 */
export const webgpuOptimizers: GpuOptimizers = {
  adam(groups, { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = {}) {
    checkAdam(beta1, beta2, epsilon);
    return new GpuOptimizer(
      {
        name: 'Adam',
        slots: ['m', 'v'],
        scalars: ['keep1', 'take1', 'keep2', 'take2', 'rate', 'epsilon'],
        // rate · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε), with the corrections taken into two numbers.
        numbers: (step, learningRate) => {
          const root = Math.sqrt(1 - beta2 ** step);
          const rate = (learningRate * root) / (1 - beta1 ** step);
          return [beta1, 1 - beta1, beta2, 1 - beta2, rate, epsilon * root];
        },
        update: `
m = s.keep1 * m + s.take1 * g;
v = s.keep2 * v + s.take2 * (g * g);
w -= s.rate * (m / (sqrt(v) + s.epsilon));`,
      },
      groups,
    );
  },
  sgd(groups, { momentum = 0, nesterov = false } = {}) {
    checkSgd(momentum, nesterov);
    if (momentum === 0) {
      const numbers = (_step: number, rate: number): number[] => [rate];
      return new GpuOptimizer(
        { name: 'Sgd', slots: [], scalars: ['rate'], numbers, update: 'w -= s.rate * g;' },
        groups,
      );
    }
    // u = μu + g; w -= rate u, or with Nesterov w -= rate (g + μu).
    const ahead = nesterov ? '(g + s.mu * momentum)' : 'momentum';
    return new GpuOptimizer(
      {
        name: nesterov ? 'Nesterov' : 'Momentum',
        slots: ['momentum'],
        scalars: ['rate', 'mu'],
        numbers: (_step, rate) => [rate, momentum],
        update: `momentum = s.mu * momentum + g;\nw -= s.rate * ${ahead};`,
      },
      groups,
    );
  },
};
