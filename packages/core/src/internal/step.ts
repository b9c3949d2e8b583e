import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Batch } from '../data.js';
import { withLogits } from '../logits.js';
import type { ResolvedLoss } from '../loss.js';
import type { Moment } from '../moment.js';
import type { Optimizer, ParameterGroup } from '../optimizer.js';
import type { Parameter } from '../parameter.js';
import { isForward, isRegularizer, type ObservedStep, type Step } from '../plugin.js';
import { scalarFrom, tensorFrom } from './answers.js';
import type { Binding } from './binding.js';
import { type Bound, within } from './bound.js';
import { regularizersOf } from './layer-rules.js';
import { type Disturbed, disturb } from './noise.js';
import { createProbe } from './probe.js';
import { withTape } from './tape.js';

/** What a step works with. */
export interface StepParts {
  readonly model: LayersModel;
  readonly loss: ResolvedLoss;
  readonly bound: readonly Bound[];
  readonly bindings: readonly Binding[];
  /** Variables that regularizers brought along. */
  readonly extra: readonly ParameterGroup[];
  readonly optimizer: Optimizer;
}

interface Passed {
  readonly value: tf.Scalar;
  readonly penalty: tf.Scalar | undefined;
  readonly gradients: tf.NamedTensorMap;
  readonly step: Step;
}

type Keep = <T extends tf.Tensor>(tensor: T) => T;

/** Loss, penalties and the gradients of both. */
function differentiate(
  parts: StepParts,
  active: readonly Bound[],
  batch: Batch,
  at: Moment,
  keep: Keep,
): Passed {
  const { model, loss, bindings, extra } = parts;
  const { inputs, labels } = batch;
  const variables = [...bindings.map((b) => b.parameter.variable), ...extra.flatMap((g) => g.variables)];
  const activation = createProbe(model, inputs);
  let penalty: tf.Scalar | undefined;
  let step: Step | undefined;
  const take = (): tf.Scalar => {
    const forward = active.reduce<() => tf.Tensor>(
      (pass, { schedule: { plugin }, of, time }) =>
        isForward(plugin)
          ? () => tensorFrom(plugin, 'forward', plugin.forward(of, within(time, at), pass))
          : pass,
      () => model.apply(inputs, { training: true }) as tf.Tensor,
    );
    const outputs = keep(loss.onLogits ? withLogits(model, forward) : forward());
    step = { at, inputs, labels, outputs, onLogits: loss.onLogits, activation };
    let total = loss.compute(labels, outputs);
    const penalties: tf.Scalar[] = [];
    for (const { schedule, of, time } of active) {
      if (!isRegularizer(schedule.plugin)) continue;
      const given = schedule.plugin.penalty(of, { ...step, at: within(time, at) });
      penalties.push(scalarFrom(schedule.plugin, 'penalty', given));
    }
    penalties.push(...regularizersOf(model));
    if (penalties.length > 0) {
      penalty = keep(penalties.reduce((a, b) => tf.add(a, b)));
      total = tf.add(total, penalty);
    }
    return total;
  };
  const { value, grads } = withTape(() => tf.variableGrads(take, variables));
  return { value, penalty, gradients: grads, step: step as Step };
}

/** Shows the step to the plugins that want to see it. */
function observe(active: readonly Bound[], { step, gradients }: Passed): void {
  for (const { schedule, time } of active) {
    if (schedule.plugin.observe === undefined) continue;
    tf.tidy(() => {
      const gradient = (p: Parameter): tf.Tensor | undefined => gradients[p.variable.name];
      const observed: ObservedStep = { ...step, at: within(time, step.at), gradient };
      schedule.plugin.observe?.(observed);
    });
  }
}

/** Hands the gradients to the optimizer, each as that of the variable which is trained. */
function update(
  { bindings, extra, optimizer }: StepParts,
  gradients: tf.NamedTensorMap,
  disturbed: Disturbed,
): void {
  const pulled: tf.NamedTensorMap = {};
  for (const { parameter, trained, pull } of bindings) {
    const gradient = gradients[parameter.variable.name];
    if (gradient) pulled[trained.name] = tf.tidy(() => pull(disturbed.pull(parameter, gradient)));
  }
  for (const { variables } of extra) for (const v of variables) pulled[v.name] = gradients[v.name];
  optimizer.step(pulled);
  for (const { push } of bindings) push?.();
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
