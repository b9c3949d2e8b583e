import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Arranged, arrange } from '../arrange.js';
import type { Batch } from '../data.js';
import type { ResolvedLosses } from '../losses.js';
import type { Moment } from '../moment.js';
import type { Parameter } from '../parameter.js';
import type { ForwardSession, KnownPenalty, RegularizerSession } from '../session.js';
import type { ObservedStep, Step } from '../step.js';
import { outputsFrom, penaltyFrom } from './answers.js';
import type { Bindings } from './bindings.js';
import { type Bound, within } from './bound.js';
import { regularizersOf } from './layer-rules.js';
import { type Disturbed, disturb } from './noise.js';
import { withTape } from './tape.js';

/** What a step works with. */
export interface StepParts {
  readonly model: LayersModel;
  readonly loss: ResolvedLosses;
  readonly bound: readonly Bound[];
  readonly bindings: Bindings;
}

interface Passed {
  readonly value: tf.Scalar;
  readonly penalty: tf.Scalar | undefined;
  readonly gradients: tf.NamedTensorMap;
  readonly step: Step;
}

type Keep = <T extends tf.Tensor>(tensor: T) => T;

/** The forward pass as the plugins that have their own way of it take it, the last of them outermost. */
function passOf(active: readonly Bound[], at: Moment, pass: () => Arranged): () => Arranged {
  return active.reduce<() => Arranged>((inner, { running, time }) => {
    const session = running.as<ForwardSession>('forward');
    if (session === undefined) return inner;
    return () => outputsFrom(running.plugin, session.forward(within(time, at), inner));
  }, pass);
}

/** Loss, penalties and the gradients of both. */
function differentiate(
  { model, loss, bindings }: StepParts,
  active: readonly Bound[],
  batch: Batch,
  at: Moment,
  keep: Keep,
): Passed {
  const weights = bindings.all.map(({ parameter }) => parameter.variable);
  const variables = [...weights, ...bindings.extra.flatMap((group) => group.variables)];
  const inputs = arrange(model, 'input', batch.inputs);
  const labels = arrange(model, 'output', batch.labels);
  const { weights: counts } = batch;
  const onLogits = loss.each.every((one) => one.onLogits);
  let penalty: tf.Scalar | undefined;
  let step: Step | undefined;
  const take = (): tf.Scalar => {
    const pass = passOf(active, at, () => model.apply(inputs, { training: true }) as Arranged);
    const outputs = keptOutputs(loss.forward(pass), keep);
    step = {
      at,
      inputs,
      labels,
      outputs,
      onLogits,
      losses: loss.each,
      ...(counts && { weights: counts }),
    };
    // Before the penalties: what several of them send back to the outputs is added up in the reverse order.
    const total = loss.compute(labels, outputs, counts);
    const penalties: tf.Scalar[] = [];
    for (const { running, time } of active) {
      const session = running.as<RegularizerSession>('regularizer');
      if (session === undefined) continue;
      const given = penaltyFrom(running.plugin, session.penalty({ ...step, at: within(time, at) }));
      penalties.push(given instanceof tf.Tensor ? given : taped(kept(given, keep)));
    }
    penalties.push(...regularizersOf(model));
    if (penalties.length === 0) return total;
    penalty = keep(sum(penalties));
    return tf.add(total, penalty);
  };
  const { value, grads } = withTape(() => tf.variableGrads(take, variables));
  return { value, penalty, gradients: grads, step: step as Step };
}

const sum = (scalars: readonly tf.Scalar[]): tf.Scalar => scalars.reduce((a, b) => tf.add(a, b));

/** A known penalty as one op, whose gradients are added to those of the loss in the order of all penalties. */
function taped({ value, gradients }: KnownPenalty): tf.Scalar {
  const compute = tf.customGrad(() => ({
    value: tf.clone(value),
    // Copies: TF.js disposes what it adds up, and one tensor may be the gradient of several variables.
    gradFunc: () => [...gradients.values()].map((gradient) => tf.clone(gradient)),
  }));
  return compute(...gradients.keys()) as tf.Scalar;
}

const keptOutputs = (outputs: Arranged, keep: Keep): Arranged =>
  Array.isArray(outputs) ? outputs.map(keep) : keep(outputs);

/** A penalty whose tensors outlive the gradient's scope. */
function kept({ value, gradients }: KnownPenalty, keep: Keep): KnownPenalty {
  return {
    value: keep(value),
    gradients: new Map([...gradients].map(([variable, gradient]) => [variable, keep(gradient)])),
  };
}

/** Shows the step to the plugins that want to see it. */
function observe(active: readonly Bound[], { step, gradients }: Passed): void {
  for (const { running, time } of active) {
    const { session } = running;
    if (session.observe === undefined) continue;
    tf.tidy(() => {
      const gradient = (p: Parameter): tf.Tensor | undefined => gradients[p.variable.name];
      const observed: ObservedStep = { ...step, at: within(time, step.at), gradient };
      session.observe?.(observed);
    });
  }
}

/** Hands the gradients to the optimizer, each as that of the variable which is trained. */
function update({ bindings }: StepParts, gradients: tf.NamedTensorMap, disturbed: Disturbed): void {
  const pulled: tf.NamedTensorMap = {};
  for (const { parameter, trained, pull } of bindings.all) {
    const gradient = gradients[parameter.variable.name];
    if (gradient) pulled[trained.name] = tf.tidy(() => pull(disturbed.pull(parameter, gradient)));
  }
  for (const { variables } of bindings.extra) for (const v of variables) pulled[v.name] = gradients[v.name];
  bindings.optimizer.step(pulled);
  for (const { push } of bindings.all) push?.();
}

/**
 * Forward, backward, update. Returns the loss and its penalty part as tensors the caller disposes; nothing else
 * is left, also when a plugin throws.
 */
export function takeStep(parts: StepParts, batch: Batch, at: Moment): [tf.Scalar, tf.Scalar] {
  const kept: tf.Tensor[] = []; // What outlives the scope of the gradient.
  const keep: Keep = (tensor) => {
    kept.push(tf.keep(tensor));
    return tensor;
  };
  try {
    return tf.tidy(() => {
      const active = parts.bound.filter(({ time }) => time.covers(at.epoch));
      const disturbed = disturb(active, at);
      let forward: Passed;
      try {
        forward = differentiate(parts, active, batch, at, keep);
        observe(active, forward);
      } finally {
        disturbed.restore();
      }
      update(parts, forward.gradients, disturbed);
      const { value, penalty } = forward;
      return [value, penalty === undefined ? tf.scalar(0) : tf.clone(penalty)] as [tf.Scalar, tf.Scalar];
    });
  } finally {
    tf.dispose(kept);
  }
}
