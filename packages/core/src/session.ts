import type { CountedRatio, Figure } from '@espalier/figures';
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Moment } from './moment.js';
import type { ParameterGroup } from './optimizer.js';
import type { Parameter } from './parameter.js';
import type { QuantizedTensor } from './quantized.js';
import type { Read } from './read.js';
import type { ObservedStep, Step } from './step.js';

/** Arrays a session or the trainer keeps in a checkpoint. */
export type StateArray = Float32Array | Float64Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

/** What a session needs to go on bit for bit: JSON values and named arrays. */
export interface PluginState {
  readonly json?: unknown;
  readonly arrays?: Readonly<Record<string, StateArray>>;
}

/**
 * A plugin at work: what `plugin.start(run, of, state)` returns. It acts on the parameters `of` that it was started
 * with, holds all that changes, and is disposed by who started it.
 *
 * What a step calls (`penalty`, `forward`, `noise`, `observe`) works on tensors and never reads one: a read waits for
 * all that a GPU has been given to do, and on WebGPU there is none that waits. What is seen in steps is added up in
 * tensors. The other hooks may read: they are given `read` as their last argument, name all that they need in one
 * call of it, and return what it returns. The trainer gives `readLater`; where a hook is called without it, in a loop
 * of one's own, `readNow` is a good default.
 */
export interface Session {
  /** After the backward pass of every step in the schedule's epochs. Gradients are not collected unless it is here. */
  observe?(step: ObservedStep): void;
  /**
   * At the end of every epoch of the schedule, after its last step and before anything is validated or saved: the
   * time to bring to JavaScript what was learned. `at` is the moment of the last step, in the schedule's own time.
   */
  epochEnd?(at: Moment, read?: Read): void | Promise<void>;
  /** Pictures of its work, for a report. */
  figures?(): readonly Figure[];
  /** Ratios as its paper counts them, by name, of the run's model as it is now. */
  paperRatios?(
    read?: Read,
  ): Readonly<Record<string, CountedRatio>> | Promise<Readonly<Record<string, CountedRatio>>>;
  /** All that another `start` needs to go on from here bit for bit, or in a later stage. */
  save?(read?: Read): PluginState | Promise<PluginState>;
  /** Frees its tensors. Called once. */
  dispose?(): void;
}

/** Decides which weights go. */
export interface PrunerSession extends Session {
  /**
   * Masks in the parameters' shapes, 1 keep, 0 prune; a parameter that is absent is left as it is. The caller
   * takes ownership of the tensors. Called at every firing of the schedule.
   */
  masks(at: Moment, read?: Read): Map<Parameter, tf.Tensor> | Promise<Map<Parameter, tf.Tensor>>;
  /**
   * True when pruned weights may come back: training then updates a dense copy while the loss, every
   * evaluation and every checkpointed weight see the masked one. Read the copy with `run.dense(parameter)`.
   */
  readonly revives?: boolean;
}

/**
 * A penalty that knows its gradients: nothing in it is differentiated, and with `untaped` nothing recorded. The caller
 * disposes all tensors.
 */
export interface KnownPenalty {
  readonly value: tf.Scalar;
  /** d value / d variable, of weights and of variables of its own, in their shapes. */
  readonly gradients: ReadonlyMap<tf.Variable, tf.Tensor>;
}

/** Adds a term to the loss. */
export interface RegularizerSession extends Session {
  /**
   * The penalty, a scalar in the units of the loss, added to it; called at every step, inside the gradient's scope.
   * With its own gradients, or else differentiated with the loss.
   */
  penalty(step: Step): tf.Scalar | KnownPenalty;
  /** Variables of its own, trained at their own learning rates. Read once, after `start`. */
  trainables?(): readonly ParameterGroup[];
  /**
   * Of a plugin that says `steers`: brings the model's size to an aim, both in bytes. Called at the end of each of the
   * schedule's epochs where training has an aim, with what the model would take if training ended there.
   */
  steer?(bytes: number, aim: number): void;
}

/** Runs the forward pass of training its own way: with layers that draw their weights from a posterior, say. */
export interface ForwardSession extends Session {
  /**
   * Calls `pass` once, within the gradient's scope, and returns what it returns. Called at every step of the
   * schedule's epochs, before any penalty; whatever is changed for the pass is put back before this returns.
   */
  forward<T>(at: Moment, pass: () => T): T;
  /**
   * Where the weights are other ones in the end than those that are trained: puts them in place, so that an epoch is
   * validated as what it comes to, and returns what puts the others back. Called at the end of the schedule's epochs.
   */
  asMeasured?(): () => void;
}

/** Disturbs weights while they are trained: dropped filters, multiplicative noise. */
export interface NoiseSession extends Session {
  /**
   * What the weights are multiplied by in this step's forward and backward pass, in their shapes; a parameter
   * that is absent is left as it is. Called at every step of the schedule's epochs, which are its firings; the
   * caller takes ownership of the tensors. The weights themselves, every evaluation and every checkpoint are without it.
   */
  noise(at: Moment): Map<Parameter, tf.Tensor>;
}

/** Replaces weights by a few shared values; training after that moves the shared values only. */
export interface QuantizerSession extends Session {
  quantize(
    at: Moment,
    read?: Read,
  ): Map<Parameter, QuantizedTensor> | Promise<Map<Parameter, QuantizedTensor>>;
}

/** Makes another model out of the model: thinning, folding, Bayesian twin and back, reordering. */
export interface TransformSession extends Session {
  apply(model: LayersModel): Promise<Transformed>;
}

/** Which indices of a parameter's axis survived a transform, in order. */
export interface AxisSelection {
  readonly axis: number;
  readonly indices: Int32Array;
}

/** A transformed model and, for each parameter of it that is a cut of an old one, what was kept. */
export interface Transformed {
  readonly model: LayersModel;
  /**
   * By parameter name (the same before and after). Masks, shared values, variances and the optimizer's slots are cut
   * the same way.
   */
  readonly kept?: ReadonlyMap<string, readonly AxisSelection[]>;
  /** What a person should know about it, a line each; for logs. */
  readonly notes?: readonly string[];
}
