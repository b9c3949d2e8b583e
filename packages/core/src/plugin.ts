import type { Parameter } from './parameter.js';
import type { RunState } from './run-state.js';
import type {
  ForwardSession,
  NoiseSession,
  PluginState,
  PrunerSession,
  QuantizerSession,
  RegularizerSession,
  Session,
  TransformSession,
} from './session.js';

/** The parameters a schedule selected: all at once, so that a plugin can rank or allocate across them. */
export type Of = readonly Parameter[];

/** What a plugin does, each kind by one method of its sessions: {@link sessionMethods}. */
export type Kind = 'pruner' | 'regularizer' | 'forward' | 'noise' | 'quantizer' | 'transform' | 'observer';

/** The method that a session of each kind has. */
export const sessionMethods: Readonly<Record<Kind, string>> = {
  pruner: 'masks',
  regularizer: 'penalty',
  forward: 'forward',
  noise: 'noise',
  quantizer: 'quantize',
  transform: 'apply',
  observer: 'observe',
};

/**
 * Anything a schedule can bind: what a factory makes of its options, which it checks. It describes and never changes;
 * `start` makes a session, which acts. So one plugin serves many schedules, stages and runs.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { type Pruner, Run } from '@espalier/core';
 * const negative: Pruner = {
 *   name: 'negative', // prunes what is below 0
 *   kinds: ['pruner'],
 *   start: (_run, of) => ({
 *     masks: () => new Map(of.map((p) => [p, tf.tidy(() => tf.cast(tf.greaterEqual(p.variable, 0), 'float32'))])),
 *   }),
 * };
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [1], useBias: false })] });
 * model.setWeights([tf.tensor2d([[-1, 2]])]);
 * await new Run(model).prune(negative);
 * if (model.getWeights()[0].dataSync().join() !== '0,2') throw new Error('unexpected');
 * ```
 */
export interface Plugin<S extends Session = Session> {
  /** In camelCase, for messages and reports: `agp`. */
  readonly name: string;
  /** All that its sessions do; one plugin may be of several kinds. */
  readonly kinds: readonly Kind[];
  /**
   * Throws what `start` would throw about this model and selection, and does nothing else. Pipelines call it
   * before anything is trained.
   */
  check?(run: RunState, of: Of): void;
  /**
   * Starts to work on parameters of a run: resolves names, allocates; throws on anything it cannot honour.
   *
   * @param state - What an earlier session has saved: to go on with, in the same stage or in a later one, where the
   *   model may have been thinned since.
   * @throws EspalierError `bad-state` for a state that is not its own
   */
  start(run: RunState, of: Of, state?: PluginState): S | Promise<S>;
  /**
   * Of a prior: the quantizer that goes by what was learned, started with the state of the prior's session. A stage
   * that applies the plugin once applies this.
   */
  readonly quantizer?: Plugin<QuantizerSession>;
  /** Whether its sessions can be steered to a size: of a regularizer whose sessions have `steer`. */
  readonly steers?: boolean;
}

/** Decides which weights go. */
export type Pruner = Plugin<PrunerSession>;
/** Adds a term to the loss. */
export type Regularizer = Plugin<RegularizerSession>;
/** Runs the forward pass of training its own way. */
export type Forward = Plugin<ForwardSession>;
/** Disturbs weights while they are trained. */
export type Noise = Plugin<NoiseSession>;
/** Replaces weights by a few shared values. */
export type Quantizer = Plugin<QuantizerSession>;
/** Makes another model out of the model. */
export type Transform = Plugin<TransformSession>;

const is = (plugin: Plugin, kind: Kind): boolean => plugin.kinds.includes(kind);

/**
 * Whether its sessions make masks.
 *
 * @example
 * ```ts
 * import { checkPlugin, isPruner, isQuantizer, isRegularizer, isTransform } from '@espalier/core';
 * import { level } from '@espalier/pruners';
 * const plugin = level({ sparsity: 0.5 });
 * checkPlugin(plugin);
 * const kinds = [isPruner(plugin), isRegularizer(plugin), isQuantizer(plugin), isTransform(plugin)];
 * if (kinds.join() !== 'true,false,false,false') throw new Error(kinds.join());
 * ```
 */
export function isPruner(plugin: Plugin): plugin is Pruner {
  return is(plugin, 'pruner');
}

/** Whether its sessions add to the loss. */
export function isRegularizer(plugin: Plugin): plugin is Regularizer {
  return is(plugin, 'regularizer');
}

/** Whether its sessions share values among weights. */
export function isQuantizer(plugin: Plugin): plugin is Quantizer {
  return is(plugin, 'quantizer');
}

/** @internal Whether it does anything while a model is trained. */
export function trains({ kinds }: Plugin): boolean {
  return kinds.some((kind) => kind !== 'transform');
}

/** Whether its sessions make another model of the one they get. */
export function isTransform(plugin: Plugin): plugin is Transform {
  return is(plugin, 'transform');
}
