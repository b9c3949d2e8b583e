import type { Moment, ObservedStep, PluginState, Read, RunState } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Structures } from '../structures/structures.js';
import type { Tied } from '../structures/tied.js';

/** What a scorer is started with. */
export interface Scored {
  /** Of the pruner, for messages. */
  readonly owner: string;
  readonly run: RunState;
  readonly sets: readonly Structures[];
  /** For structures that are tied across layers. */
  readonly tied: Tied | undefined;
}

/** Tells how important each structure of a set is; the lowest go first. */
export interface Scorer {
  /** Whether it goes by what it sees in steps. */
  readonly observes: boolean;
  /**
   * @param state - What an earlier scoring has saved.
   * @throws EspalierError for structures it cannot score, `bad-state`
   */
  start(scored: Scored, state?: PluginState): Scoring;
}

/** A scorer at work on the sets that it was started with. */
export interface Scoring {
  observe?(step: ObservedStep): void;
  /** Called after each firing: what is observed from now on is for the next one. */
  fired?(at: Moment): void;
  /**
   * What has to be read to score a set; `undefined` while nothing has been observed. Within a tidy.
   */
  look(set: Structures): readonly tf.Tensor[] | undefined;
  /** One score per structure, from the numbers of what `look` gave. */
  scores(set: Structures, numbers: readonly Float32Array[]): Float64Array;
  save?(read: Read): PluginState | Promise<PluginState>;
  dispose?(): void;
}
