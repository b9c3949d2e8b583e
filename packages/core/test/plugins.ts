import {
  EspalierError,
  type Kind,
  type Moment,
  type ObservedStep,
  type Of,
  type Parameter,
  type Plugin,
  type Pruner,
  type PrunerSession,
  progress,
  type QuantizedTensor,
  type Quantizer,
  type Regularizer,
  type RegularizerSession,
  type Session,
  type Step,
  sessionMethods,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** A plugin whose sessions are all one object; its kinds are those whose methods it finds there. */
export function acting<S extends object>(name: string, session: S): Plugin<S & Session> {
  const kinds = (Object.keys(sessionMethods) as Kind[]).filter((kind) => sessionMethods[kind] in session);
  return { name, kinds, start: () => session };
}

/** A plugin by its start. */
export function starting<S extends object>(
  name: string,
  kinds: readonly Kind[],
  start: (...of: Parameters<Plugin['start']>) => S | Promise<S>,
): Plugin<S & Session> {
  return { name, kinds, start };
}

/** Where the `share` smallest magnitudes of a tensor lie: 1 keep, 0 prune. */
export function magnitudeMask(parameter: Parameter, share: number): tf.Tensor {
  const magnitudes = [...parameter.variable.dataSync()].map(Math.abs);
  const order = magnitudes.map((_, i) => i).sort((a, b) => magnitudes[a] - magnitudes[b] || a - b);
  const bits = new Float32Array(parameter.size).fill(1);
  for (const i of order.slice(0, Math.round(share * parameter.size))) bits[i] = 0;
  return tf.tensor(bits, parameter.shape as number[]);
}

const notMine = () => new EspalierError('bad-state', 'The state belongs to another plugin.');

/** Prunes more at each firing, and counts its firings in its state. */
export function gradual(final: number, more: Partial<PrunerSession> = {}): Pruner {
  return starting<PrunerSession>('gradual', ['pruner'], (_, of, state) => {
    let fired = (state?.json as { fired: number } | undefined)?.fired ?? 0;
    if (state && state.arrays?.fired?.[0] !== fired) throw notMine();
    return {
      masks(at) {
        fired++;
        return new Map(of.map((p) => [p, magnitudeMask(p, final * (0.5 + progress(at) / 2))]));
      },
      save: () => ({ json: { fired }, arrays: { fired: Int32Array.of(fired) } }),
      ...more,
    };
  });
}

/** Prunes by chance of the step alone, and lets weights come back. */
export function wandering(): Pruner {
  return starting('wandering', ['pruner'], (_, of) => ({
    revives: true,
    masks: (at) => wanderingMasks(of, at),
  }));
}

export const wanderingMasks = (of: Of, at: Moment): Map<Parameter, tf.Tensor> =>
  new Map(
    of.map((p) => [
      p,
      tf.tensor(
        Array.from({ length: p.size }, (_, i) => ((i + at.index) % 3 === 0 ? 0 : 1)),
        p.shape as number[],
      ),
    ]),
  );

/** Shares a few values, 0 among them and fixed. */
export function rounding(step = 0.25): Quantizer {
  return starting('rounding', ['quantizer'], (_, of) => ({
    quantize: () => new Map(of.map((p) => [p, rounded(p, step)])),
  }));
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

interface LearntSession extends RegularizerSession {
  readonly rho: tf.Variable;
}

/** λ·Σ w², with λ = exp(ρ) learnt as well (towards a target), so that the plugin has a variable of its own. */
export function learntDecay(learningRate = 0.01): Plugin<LearntSession> {
  return starting<LearntSession>('learntDecay', ['regularizer'], (_, of, state) => {
    if (state && state.arrays?.rho === undefined) throw notMine();
    const rho = tf.tidy(() => tf.variable(tf.scalar(state?.arrays?.rho[0] ?? -3)));
    return {
      rho,
      penalty() {
        const squares = of.map((p) => tf.sum(tf.square(p.variable)));
        const sum = squares.reduce((a, b) => tf.add(a, b));
        return tf.add(tf.mul(tf.exp(rho), sum), tf.square(tf.add(rho, 2))) as tf.Scalar;
      },
      trainables: () => [{ name: 'xrho', variables: [rho], learningRate }],
      save: () => ({ arrays: { rho: rho.dataSync().slice() as Float32Array } }),
      dispose: () => rho.dispose(),
    };
  });
}

/** Sees steps and says what it saw. */
export function observer(see: (step: ObservedStep) => void): Plugin {
  return acting('observer', { observe: see });
}

/** A penalty from a function of the step. */
export function penalty(of: (parameters: Of, step: Step) => tf.Scalar): Regularizer {
  return starting<RegularizerSession>('penalty', ['regularizer'], (_, own) => ({
    penalty: (step) => of(own, step),
  }));
}
