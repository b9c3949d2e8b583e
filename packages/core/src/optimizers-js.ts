import * as tf from '@tensorflow/tfjs-core';
import type {
  AdamOptions,
  Optimizer,
  OptimizerFactories,
  OptimizerState,
  ParameterGroup,
  SgdOptions,
} from './optimizer.js';

/** One variable's update: reads and writes `slots`, returns the new value. Runs inside a tidy. */
interface Rule {
  readonly slots: readonly string[];
  update(value: tf.Tensor, gradient: tf.Tensor, slots: tf.Variable[], rate: number, step: number): tf.Tensor;
}

/** An update rule in plain TF.js ops: works on every backend. */
class JsOptimizer implements Optimizer {
  groups: readonly ParameterGroup[] = [];
  readonly #rule: Rule;
  readonly #slots = new Map<tf.Variable, tf.Variable[]>();
  readonly #masks = new Map<tf.Variable, tf.Tensor>();
  #step = 0;

  constructor(groups: readonly ParameterGroup[], rule: Rule) {
    this.#rule = rule;
    this.setGroups(groups);
  }

  setGroups(groups: readonly ParameterGroup[]): void {
    this.groups = groups;
    const wanted = new Set(groups.flatMap((group) => group.variables));
    for (const [variable, slots] of this.#slots) {
      if (wanted.has(variable)) continue;
      for (const slot of slots) slot.dispose();
      this.#slots.delete(variable);
      this.#masks.delete(variable);
    }
    for (const variable of wanted) {
      if (this.#slots.has(variable)) continue;
      this.#slots.set(
        variable,
        this.#rule.slots.map(() => tf.tidy(() => tf.variable(tf.zerosLike(variable), false))),
      );
    }
  }

  setMask(variable: tf.Variable, mask: tf.Tensor | null): void {
    if (mask === null) {
      this.#masks.delete(variable);
      return;
    }
    this.#masks.set(variable, mask);
    for (const slot of this.#slots.get(variable) ?? []) tf.tidy(() => slot.assign(tf.mul(slot, mask)));
  }

  step(gradients: tf.NamedTensorMap): void {
    this.#step++;
    for (const { variables, learningRate } of this.groups) {
      for (const variable of variables) {
        const gradient = gradients[variable.name];
        if (gradient === undefined || gradient === null) continue;
        tf.tidy(() => {
          const mask = this.#masks.get(variable);
          const masked = mask === undefined ? gradient : tf.mul(gradient, mask);
          const slots = this.#slots.get(variable)!;
          variable.assign(this.#rule.update(variable, masked, slots, learningRate, this.#step));
        });
      }
    }
  }

  async state(): Promise<OptimizerState> {
    const slots: Record<string, Record<string, Float32Array>> = {};
    for (const [variable, own] of this.#slots) {
      slots[variable.name] = {};
      for (const [i, name] of this.#rule.slots.entries()) {
        slots[variable.name][name] = (await own[i].data()).slice() as Float32Array;
      }
    }
    return { step: this.#step, slots };
  }

  restore(state: OptimizerState): void {
    this.#step = state.step;
    for (const [variable, own] of this.#slots) {
      for (const [i, name] of this.#rule.slots.entries()) {
        const values = state.slots[variable.name]?.[name];
        if (values === undefined) continue;
        tf.tidy(() => own[i].assign(tf.tensor(values, variable.shape) as tf.Tensor));
      }
    }
  }

  dispose(): void {
    this.setGroups([]);
  }
}

function adamRule({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions): Rule {
  return {
    slots: ['m', 'v'],
    // Kingma & Ba (2015), algorithm 1.
    update(value, g, [m, v], rate, step) {
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)));
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)));
      // rate * (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε), with the two corrections taken out of the tensors.
      const root = Math.sqrt(1 - beta2 ** step);
      const scale = (rate * root) / (1 - beta1 ** step);
      return tf.sub(value, tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon * root)), scale));
    },
  };
}

function sgdRule({ momentum = 0, nesterov = false }: SgdOptions): Rule {
  if (momentum === 0) return { slots: [], update: (value, g, _, rate) => tf.sub(value, tf.mul(g, rate)) };
  return {
    slots: ['momentum'],
    // u = μu + g; w -= lr·u, or with Nesterov's look-ahead w -= lr·(g + μu).
    update(value, g, [u], rate) {
      u.assign(tf.add(tf.mul(u, momentum), g));
      return tf.sub(value, tf.mul(nesterov ? tf.add(g, tf.mul(u, momentum)) : u, rate));
    },
  };
}

/**
 * Adam and SGD in plain TF.js ops: the ones that work on every backend.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { jsOptimizers } from '@espalier/core';
 * const w = tf.variable(tf.scalar(1));
 * const optimizer = jsOptimizers.adam([{ name: 'all', variables: [w], learningRate: 0.1 }]);
 * optimizer.step({ [w.name]: tf.scalar(2) });
 * if (Math.abs(w.dataSync()[0] - 0.9) > 1e-6) throw new Error(String(w.dataSync()[0])); // one step is lr·sign(g)
 * optimizer.dispose();
 * ```
 */
export const jsOptimizers: OptimizerFactories = {
  adam: (groups, options = {}) => new JsOptimizer(groups, adamRule(options)),
  sgd: (groups, options = {}) => new JsOptimizer(groups, sgdRule(options)),
};
