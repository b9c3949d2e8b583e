import type { Moment, ObservedStep, PluginState, Read, Run } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Structures } from '../structures/structures.js';
import type { Tied } from '../structures/tied.js';

/** What a scorer is started with. */
export interface Scored {
  /** Of the pruner, for messages. */
  readonly owner: string;
  readonly run: Run;
  readonly sets: readonly Structures[];
  /** For structures that are tied across layers. */
  readonly tied: Tied | undefined;
}

/** Tells how important each structure of a set is; the lowest go first. */
export interface Scorer {
  /** @throws EspalierError for structures it cannot score */
  start?(scored: Scored): void;
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
  load?(state: PluginState): void;
  dispose?(): void;
}
