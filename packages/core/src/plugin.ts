import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { CountedRatio, Figure } from './figure.js';
import type { Moment } from './moment.js';
import type { ParameterGroup } from './optimizer.js';
import type { Parameter } from './parameter.js';
import type { QuantizedTensor } from './quantized.js';
import type { Read } from './read.js';
import type { Run } from './run.js';

/** Arrays a plugin or the trainer keeps in a checkpoint. */
export type StateArray = Float32Array | Float64Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

/** What a plugin needs to resume bit for bit: JSON values and named arrays. */
export interface PluginState {
  readonly json?: unknown;
  readonly arrays?: Readonly<Record<string, StateArray>>;
}

/** The parameters a schedule selected: all at once, so that a plugin can rank or allocate across them. */
export type Of = readonly Parameter[];

/** One training step as plugins see it. Tensors live until the call returns. */
export interface Step {
  /** The schedule's own time: `progress(at)` goes from 0 at its first step to 1 at its last. */
  readonly at: Moment;
  readonly inputs: tf.Tensor | tf.Tensor[];
  readonly labels: tf.Tensor;
  /** The model's outputs; logits where the loss works on logits. */
  readonly outputs: tf.Tensor;
  /** Whether the output activation was taken off: `outputs` are logits of a softmax or sigmoid. */
  readonly onLogits: boolean;
  /** Output of the named layer for this batch, computed when asked for. Throws `unknown-name`. */
  activation(layer: string): tf.Tensor;
}

/** A step after its backward pass. */
export interface ObservedStep extends Step {
  /** dL/dw of a trainable parameter (before masks and sharing), penalties included. */
  gradient(parameter: Parameter): tf.Tensor | undefined;
}

/**
 * Anything a schedule can bind. A plugin is made by a factory that checks its options; one object may be
 * several kinds at once (a mixture prior is a Regularizer while training and a Quantizer after it).
 *
 * What a step calls (`penalty`, `forward`, `noise`, `observe`) works on tensors and never reads one: a read waits for
 * all that a GPU has been given to do, and on WebGPU there is none that waits. What is seen in steps is added up in
 * tensors. The other hooks may read: they are given `read` as their last argument, name all that they need in one
 * call of it, and return what it returns. The trainer gives `readLater`; where a hook is called without it, in a loop
 * of one's own, `readNow` is a good default.
 */
export interface Plugin {
  /** For messages and reports, for example `agp`. */
  readonly name: string;
  /**
   * Throws what `start` would throw about this model and selection, and does nothing else. Pipelines call it
   * before anything is trained.
   */
  check?(run: Run, of: Of): void;
  /** Once, before the first step: resolve names, allocate; throws on anything it cannot honour. */
  start?(run: Run, of: Of, read?: Read): void | Promise<void>;
  /** After the backward pass of every step in the schedule's epochs. Not collected unless it is here. */
  observe?(step: ObservedStep): void;
  /**
   * At the end of every epoch of the schedule, after its last step and before anything is validated or saved: the
   * time to bring to JavaScript what was learned. `at` is the moment of the last step, in the schedule's own time.
   */
  epochEnd?(of: Of, at: Moment, read?: Read): void | Promise<void>;
  /** Pictures of its work, for a report. */
  figures?(): readonly Figure[];
  /** Ratios as its paper counts them, by name, of a run's model as it is now. */
  paperRatios?(
    run: Run,
    read?: Read,
  ): Readonly<Record<string, CountedRatio>> | Promise<Readonly<Record<string, CountedRatio>>>;
  /** All it needs to resume bit for bit. */
  save?(read?: Read): PluginState | Promise<PluginState>;
  load?(state: PluginState): void;
  dispose?(): void;
}

/** Decides which weights go. */
export interface Pruner extends Plugin {
  /**
   * Masks in the parameters' shapes, 1 keep, 0 prune; a parameter that is absent is left as it is. The caller
   * takes ownership of the tensors. Called at every firing of the schedule.
   */
  masks(of: Of, at: Moment, read?: Read): Map<Parameter, tf.Tensor> | Promise<Map<Parameter, tf.Tensor>>;
  /**
   * True when pruned weights may come back: training then updates a dense copy while the loss, every
   * evaluation and every checkpointed weight see the masked one. Read the copy with `run.dense(parameter)`.
   */
  readonly revives?: boolean;
}

/** Adds a term to the loss. */
export interface Regularizer extends Plugin {
  /** The penalty, a scalar, added to the loss; called inside the gradient's scope, at every step. */
  penalty(of: Of, step: Step): tf.Scalar;
  /** Variables of its own, trained at their own learning rates. Read once, after `start`. */
  trainables?(): readonly ParameterGroup[];
}

/** Runs the forward pass of training its own way: with layers that draw their weights from a posterior, say. */
export interface Forward extends Plugin {
  /**
   * Calls `pass` once, within the gradient's scope, and returns what it returns. Called at every step of the
   * schedule's epochs, before any penalty; whatever is changed for the pass is put back before this returns.
   */
  forward<T>(of: Of, at: Moment, pass: () => T): T;
}

/** Disturbs weights while they are trained: dropped filters, multiplicative noise. */
export interface Noise extends Plugin {
  /**
   * What the weights are multiplied by in this step's forward and backward pass, in their shapes; a parameter
   * that is absent is left as it is. Called at every step of the schedule's epochs, which are its firings; the
   * caller takes ownership of the tensors. The weights themselves, every evaluation and every checkpoint are without it.
   */
  noise(of: Of, at: Moment): Map<Parameter, tf.Tensor>;
}

/** Replaces weights by a few shared values; training after that moves the shared values only. */
export interface Quantizer extends Plugin {
  quantize(
    of: Of,
    at: Moment,
    read?: Read,
  ): Map<Parameter, QuantizedTensor> | Promise<Map<Parameter, QuantizedTensor>>;
}

/** Which indices of a parameter's axis survived a transform, in order. */
export interface AxisSelection {
  readonly axis: number;
  readonly indices: Int32Array;
}

/** A transformed model and, for each parameter of it that is a cut of an old one, what was kept. */
export interface Transformed {
  readonly model: LayersModel;
  /** By parameter name (the same before and after). Masks and optimizer slots are cut the same way. */
  readonly kept?: ReadonlyMap<string, readonly AxisSelection[]>;
  /** What a person should know about it, a line each; for logs. */
  readonly notes?: readonly string[];
}

/** Makes another model out of the model: thinning, folding, Bayesian twin and back, reordering. */
export interface Transform extends Plugin {
  apply(model: LayersModel, run: Run): Promise<Transformed>;
}

export function isPruner(plugin: Plugin): plugin is Pruner {
  return typeof (plugin as Partial<Pruner>).masks === 'function';
}

export function isRegularizer(plugin: Plugin): plugin is Regularizer {
  return typeof (plugin as Partial<Regularizer>).penalty === 'function';
}

export function isForward(plugin: Plugin): plugin is Forward {
  return typeof (plugin as Partial<Forward>).forward === 'function';
}

export function isNoise(plugin: Plugin): plugin is Noise {
  return typeof (plugin as Partial<Noise>).noise === 'function';
}

export function isQuantizer(plugin: Plugin): plugin is Quantizer {
  return typeof (plugin as Partial<Quantizer>).quantize === 'function';
}

export function isTransform(plugin: Plugin): plugin is Transform {
  return typeof (plugin as Partial<Transform>).apply === 'function';
}
