import type {
  ObservedStep,
  Of,
  Parameter,
  ParameterGroup,
  PluginState,
  Pruner,
  QuantizedTensor,
  Quantizer,
  Regularizer,
  Schedule,
  Step,
} from '@espalier/core';
import { progress } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** Where the `share` smallest magnitudes of a tensor lie: 1 keep, 0 prune. */
export function magnitudeMask(parameter: Parameter, share: number): tf.Tensor {
  const magnitudes = [...parameter.variable.dataSync()].map(Math.abs);
  const order = magnitudes.map((_, i) => i).sort((a, b) => magnitudes[a] - magnitudes[b] || a - b);
  const bits = new Float32Array(parameter.size).fill(1);
  for (const i of order.slice(0, Math.round(share * parameter.size))) bits[i] = 0;
  return tf.tensor(bits, parameter.shape as number[]);
}

/** Prunes more at each firing, and counts its firings in its state. */
export function gradual(final: number, more: Partial<Pruner> = {}): Pruner & { fired: number } {
  return {
    name: 'gradual',
    fired: 0,
    masks(of, at) {
      this.fired++;
      return new Map(of.map((p) => [p, magnitudeMask(p, final * (0.5 + progress(at) / 2))]));
    },
    save(): PluginState {
      return { json: { fired: this.fired }, arrays: { fired: Int32Array.of(this.fired) } };
    },
    load({ json, arrays }) {
      this.fired = (json as { fired: number }).fired;
      if (arrays?.fired[0] !== this.fired) throw new Error('the arrays belong to another state');
    },
    ...more,
  };
}

/** Prunes by chance of the step alone, and lets weights come back. */
export function wandering(): Pruner {
  return {
    name: 'wandering',
    revives: true,
    masks: (of, at) =>
      new Map(
        of.map((p) => [
          p,
          tf.tensor(
            Array.from({ length: p.size }, (_, i) => ((i + at.index) % 3 === 0 ? 0 : 1)),
            p.shape as number[],
          ),
        ]),
      ),
  };
}

/** Shares a few values, 0 among them and fixed. */
export function rounding(step = 0.25): Quantizer {
  return {
    name: 'rounding',
    quantize: (of) => new Map(of.map((p) => [p, rounded(p, step)])),
  };
}

function rounded(parameter: Parameter, step: number): QuantizedTensor {
  const levels = [...parameter.variable.dataSync()].map((v) => Math.round(v / step));
  const used = [...new Set([0, ...levels])].sort((a, b) => a - b);
  return {
    codebook: Float32Array.from(used, (level) => level * step),
    indices: Uint8Array.from(levels, (level) => used.indexOf(level + 0)),
    fixed: [used.indexOf(0)],
  };
}

/** λ·Σ w², with λ = exp(ρ) learnt as well (towards a target), so that the plugin has a variable of its own. */
export function learntDecay(learningRate = 0.01): Regularizer & { rho: tf.Variable | undefined } {
  return {
    name: 'learntDecay',
    rho: undefined,
    start() {
      this.rho = tf.tidy(() => tf.variable(tf.scalar(-3)));
    },
    penalty(of: Of) {
      const squares = of.map((p) => tf.sum(tf.square(p.variable)));
      const sum = squares.reduce((a, b) => tf.add(a, b));
      return tf.add(tf.mul(tf.exp(this.rho!), sum), tf.square(tf.add(this.rho!, 2))) as tf.Scalar;
    },
    trainables(): ParameterGroup[] {
      return [{ name: 'xrho', variables: [this.rho!], learningRate }];
    },
    save(): PluginState {
      return { arrays: { rho: this.rho!.dataSync().slice() as Float32Array } };
    },
    load({ arrays }) {
      tf.tidy(() => this.rho!.assign(tf.scalar(arrays!.rho[0])));
    },
    dispose() {
      this.rho?.dispose();
    },
  };
}

/** Sees steps and says what it saw. */
export function observer(see: (step: ObservedStep) => void): Schedule['plugin'] {
  return { name: 'observer', observe: see };
}

/** A penalty from a function of the step. */
export function penalty(of: (parameters: Of, step: Step) => tf.Scalar): Regularizer {
  return { name: 'penalty', penalty: of };
}
