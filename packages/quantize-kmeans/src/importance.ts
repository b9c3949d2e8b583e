import {
  EspalierError,
  type Moment,
  type ObservedStep,
  type Of,
  type Parameter,
  type PluginState,
  type Read,
  type RunState,
  readNow,
  type Session,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * How much an error in each weight matters. `fisher`: from the squared gradients that training shows (the
 * diagonal of the empirical Fisher information). `posterior`: 1 / σ², where a stage before has learned the
 * variance of every weight (`@espalier/bayesian-layers`). `none`: all weights alike. Or a function that gives
 * one number >= 0 per element.
 */
export type Importance = 'fisher' | 'posterior' | 'none' | ((parameter: Parameter) => Float32Array);

/** What no weight's importance falls below, as a part of its tensor's mean. */
const floor = 0.02;
/** Below every variance there is. */
const tiny = 1e-20;

/**
 * Adds up squared gradients, on the backend, until a quantizer asks for them.
 *
 * The square root of the Fisher diagonal, with a floor, serves better than the diagonal itself: the diagonal is
 * right for one small change of one weight, but a quantizer moves thousands at once, and the changes of weights
 * that look free one by one add up (LeNet-300-100, 95 % pruned, kernels in 7.3 kB, no fine-tuning: validation
 * loss 0.090 with the root, 0.094 with the diagonal and a floor of 10 %, 0.130 without importance).
 */
class SquaredGradients {
  readonly #sums = new Map<string, tf.Variable>();
  #steps = 0;

  /** @throws EspalierError `bad-state` */
  constructor(owner: string, state: PluginState | undefined) {
    if (state === undefined) return;
    const { steps, shapes } = (state.json ?? {}) as { steps?: number; shapes?: [string, number[]][] };
    if (steps === undefined || shapes === undefined) {
      throw new EspalierError('bad-state', `${owner}: the saved state has no gradients.`);
    }
    this.#steps = steps;
    for (const [name, shape] of shapes) {
      tf.tidy(() => {
        const sum = tf.tensor(state.arrays?.[name] as Float32Array, shape, 'float32');
        this.#sums.set(name, tf.variable(sum, false));
      });
    }
  }

  observe(step: ObservedStep, of: Of): void {
    for (const p of of) {
      const gradient = step.gradient(p);
      if (gradient === undefined) continue;
      const sum = this.#sums.get(p.name);
      if (sum === undefined) this.#sums.set(p.name, tf.keep(tf.variable(tf.square(gradient), false)));
      else sum.assign(tf.add(sum, tf.square(gradient)));
    }
    this.#steps++;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Importance of the elements of a parameter with these values; of weights that are 0 it does not matter. */
  async importance(parameter: Parameter, values: Float32Array): Promise<Float32Array> {
    const sum = this.#sums.get(parameter.name);
    if (sum === undefined) {
      throw new EspalierError('bad-plugin', `The gradients of ${parameter.name} were not watched.`, {
        remedy: 'Quantise the parameters that the schedule names.',
      });
    }
    const squares = (await sum.data()) as Float32Array;
    let total = 0;
    let count = 0;
    for (let i = 0; i < squares.length; i++) {
      if (values[i] === 0) continue;
      total += squares[i];
      count++;
    }
    const mean = total / count / this.#steps || Number.MIN_VALUE;
    return squares.map((square) => mean * (Math.sqrt(square / this.#steps / mean) + floor));
  }

  save(read: Read): PluginState | Promise<PluginState> {
    const sums = [...this.#sums];
    const json = { steps: this.#steps, shapes: sums.map(([name, { shape }]) => [name, shape]) };
    return read(
      () => sums.map(([, sum]) => sum as tf.Tensor),
      (numbers) => ({ json, arrays: Object.fromEntries(sums.map(([name], i) => [name, numbers[i]])) }),
    );
  }

  dispose(): void {
    for (const sum of this.#sums.values()) sum.dispose();
    this.#sums.clear();
    this.#steps = 0;
  }
}

/** Checks the option before anything is started. @throws EspalierError `invalid-option` */
export function checkImportance(owner: string, importance: Importance): void {
  const known: readonly unknown[] = ['fisher', 'posterior', 'none'];
  if (typeof importance === 'function' || known.includes(importance)) return;
  throw new EspalierError('invalid-option', `${owner}: importance is ${String(importance)}.`, {
    remedy: "Give 'fisher', 'posterior', 'none', or a function of the parameter.",
  });
}

/** Gradients exist of what is trained only. @throws EspalierError `invalid-option` */
export function checkTrained(owner: string, importance: Importance, of: Of): void {
  const frozen = importance === 'fisher' ? of.find((p) => !p.trainable) : undefined;
  if (frozen === undefined) return;
  throw new EspalierError(
    'invalid-option',
    `${owner}: ${frozen.name} is not trained, so it has no gradients.`,
    {
      remedy: "Leave it out of the schedule, or give importance: 'none'.",
    },
  );
}

/** Where a session gets the importance of weights from, and the hooks that this needs. */
export interface ImportanceSource {
  /** To be spread into the session. They are there only where gradients are needed. */
  readonly hooks: Pick<Session, 'observe' | 'save' | 'dispose'>;
  /**
   * Whether to wait for gradients at this firing.
   *
   * @throws EspalierError `invalid-schedule` when there is no later firing to wait for
   */
  waits(at: Moment): boolean;
  /** Importance of the elements of a parameter with these values, row-major; undefined for `none`. */
  of(parameter: Parameter, values: Float32Array): Promise<Float32Array | undefined>;
}

/**
 * @param open - The parameters that are still to be quantised: only their gradients are watched.
 * @throws EspalierError `bad-state`
 */
export function importanceSource(
  owner: string,
  importance: Importance,
  run: RunState,
  open: () => Of,
  state: PluginState | undefined,
): ImportanceSource {
  const atOnce = (of: ImportanceSource['of']): ImportanceSource => ({ hooks: {}, waits: () => false, of });
  if (importance === 'none') return atOnce(async () => undefined);
  if (importance === 'posterior') return atOnce((parameter) => precisionOf(owner, run, parameter));
  if (typeof importance === 'function')
    return atOnce(async (parameter) => given(owner, importance, parameter));
  const gradients = new SquaredGradients(owner, state);
  return {
    hooks: {
      observe(step) {
        const of = open();
        if (of.length > 0) gradients.observe(step, of);
      },
      save: (read = readNow) => gradients.save(read),
      dispose: () => gradients.dispose(),
    },
    waits(at) {
      if (gradients.steps > 0) return false;
      if (at.index < at.count - 1) return true;
      throw new EspalierError('invalid-schedule', `${owner}: importance 'fisher' needs gradients.`, {
        remedy:
          'Bind it to a training stage with at least two firings: it watches the gradients from the first to the ' +
          "second, then quantises. Or give importance: 'none'.",
      });
    },
    of: (parameter, values) => gradients.importance(parameter, values),
  };
}

/** 1 / σ² of each weight. @throws EspalierError `invalid-schedule` */
async function precisionOf(owner: string, run: RunState, parameter: Parameter): Promise<Float32Array> {
  const variance = run.variance(parameter);
  if (variance === undefined) {
    throw new EspalierError('invalid-schedule', `${owner}: ${parameter.name} has no posterior.`, {
      remedy:
        "Train a stage with a plugin of '@espalier/bayesian-layers' before, or leave this parameter out.",
    });
  }
  return (await variance.data()).map((v) => 1 / Math.max(v, tiny)) as Float32Array;
}

/** What a function says. @throws EspalierError `invalid-option` */
function given(
  owner: string,
  importance: (parameter: Parameter) => Float32Array,
  parameter: Parameter,
): Float32Array {
  const weights = importance(parameter);
  if (weights.length === parameter.size && weights.every((w) => w >= 0 && w < Number.POSITIVE_INFINITY)) {
    return weights;
  }
  throw new EspalierError('invalid-option', `${owner}: the importance of ${parameter.name} cannot be used.`, {
    remedy: `Give ${parameter.size} finite numbers >= 0.`,
  });
}
