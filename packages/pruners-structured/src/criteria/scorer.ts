import type { Moment, ObservedStep, PluginState, Run } from '@espalier/core';
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
  /** One score per structure; `undefined` while nothing has been observed. */
  scores(set: Structures): Float64Array | undefined;
  save?(): PluginState;
  load?(state: PluginState): void;
}
