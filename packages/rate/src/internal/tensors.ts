import {
  hash,
  type Moment,
  type Parameter,
  type ParameterGroup,
  type RunState,
  randomUniform,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { keys, type RateNumbers } from './numbers.js';
import { levelRate, roundedSteps, weightSlopes } from './penalty.js';

/** The rate of all tensors; nothing of it has been read. */
export interface Rate {
  /** Bits of each tensor's levels, [tensors]. */
  readonly bits: tf.Tensor;
  /** d bits / d variable, of weights and of what is learned beside them, in their shapes. */
  readonly gradients: readonly (readonly [tf.Variable, tf.Tensor])[];
}

/** The tensors of a session, and what is learned of each: variables with one number a tensor. */
export class Tensors {
  readonly parameters: readonly Parameter[];
  /** In the order of `keys`, each [parameters]. */
  readonly variables: readonly tf.Variable[];
  /** Which parameter each weight belongs to. */
  readonly #of: tf.Tensor1D;
  /** Uniform in [0, 1), one for each weight: every step turns them all by one angle, so that each stays uniform. */
  readonly #noise: tf.Tensor1D;
  readonly #groups: readonly ParameterGroup[];
  readonly #rates: Resolved['rates'];
  /** From which part of the schedule on the steps stay. */
  readonly #stay: number;

  constructor(
    parameters: readonly Parameter[],
    numbers: readonly RateNumbers[],
    { rates, settleFrom = Number.POSITIVE_INFINITY }: Resolved,
    seed: number,
  ) {
    this.parameters = parameters;
    const sizes = parameters.map(({ size }) => size);
    const total = sizes.reduce((a, b) => a + b, 0);
    const of = new Int32Array(total);
    let start = 0;
    for (const [i, size] of sizes.entries()) {
      of.fill(i, start, start + size);
      start += size;
    }
    this.#of = tf.tensor1d(of, 'int32');
    this.#noise = tf.tensor1d(Float32Array.from({ length: total }, randomUniform(hash(seed, 0x7261))));
    this.variables = keys.map((key) =>
      tf.tidy(() => tf.variable(tf.tensor1d(Float32Array.from(numbers, (own) => own[key])), true)),
    );
    this.#rates = rates;
    this.#stay = settleFrom;
    const [steps, ...model] = this.variables;
    this.#groups = [
      { name: 'steps', variables: [steps], learningRate: rates.steps },
      { name: 'levels', variables: model, learningRate: rates.model },
    ];
  }

  trainables(): readonly ParameterGroup[] {
    return this.#groups;
  }

  /** Lets the learning rates fall to 0 over the schedule. */
  slowDown(at: Moment): void {
    const all = (at.end - at.start) * at.stepsPerEpoch;
    const left = 0.5 + 0.5 * Math.cos((Math.PI * (at.step - at.start * at.stepsPerEpoch)) / all);
    const [steps, levels] = this.#groups;
    steps.learningRate = this.#stays(at.epoch, at) ? 1e-12 : Math.max(this.#rates.steps * left, 1e-12);
    levels.learningRate = Math.max(this.#rates.model * left, 1e-12);
  }

  /** Whether the steps stay as they are in an epoch. */
  #stays(epoch: number, { start, end }: Moment): boolean {
    return epoch - start >= this.#stay * (end - start);
  }

  /** At the end of an epoch: brings the steps to where they are rounded to, if they stay from now on. */
  settle(at: Moment): void {
    if (!this.#stays(at.epoch + 1, at)) return;
    const [logStep] = this.variables;
    tf.tidy(() => logStep.assign(tf.log(roundedSteps(logStep))));
  }

  /**
   * The bits of the levels, and the gradients of the rate by weights and variables. Within a tidy.
   *
   * @param turn - In [0, 1], of the noise.
   */
  rate(run: RunState, turn: tf.Scalar): Rate {
    const [logStep, logSpike, logTail, logit] = this.variables;
    const sizes = this.parameters.map(({ size }) => size);
    const foreseen = { variables: { logStep, logSpike, logTail, logit }, of: this.#of, sizes };
    const weights = flat(this.parameters.map(({ variable }) => variable));
    const slopes = weightSlopes(weights, this.#moved(run, turn), foreseen);
    const { bits, ...model } = levelRate(weights, foreseen);
    const own = [slopes.logStep, model.logSpike, model.logTail, model.logit];
    const parts = tf.split(slopes.weights, sizes);
    return {
      bits,
      gradients: [
        ...this.parameters.map(
          ({ variable, shape }, i) => [variable, tf.reshape(parts[i], [...shape])] as const,
        ),
        ...this.variables.map((variable, i) => [variable, own[i]] as const),
      ],
    };
  }

  /** The noise of a step; what is pruned is not moved. */
  #moved(run: RunState, turn: tf.Scalar): tf.Tensor {
    const turned = tf.add(this.#noise, turn);
    const noise = tf.sub(tf.sub(turned, tf.floor(turned)), 0.5);
    const masks = this.parameters.map((parameter) => run.mask(parameter));
    if (masks.every((mask) => mask === undefined)) return noise;
    return tf.mul(noise, flat(masks.map((mask, i) => mask ?? tf.ones([this.parameters[i].size]))));
  }

  dispose(): void {
    tf.dispose([...this.variables, this.#of, this.#noise]);
  }
}

function flat(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as tf.Tensor1D;
}
