import type { ForwardSession, RegularizerSession } from '@espalier/core';
import type { LevelModel } from './level-model.js';

/** What a tensor's levels are expected to take. */
export interface RateReading extends LevelModel {
  /** The parameter's name. */
  readonly name: string;
  /** Values are whole multiples of it. A float32 of 4 significant bits. */
  readonly step: number;
  /** Bits of all its levels under the model. */
  readonly bits: number;
  /** Levels that are not 0. */
  readonly nonzero: number;
}

/** A rate prior at work. With `pruneFrom` it prunes, too. */
export interface RateSession extends RegularizerSession, ForwardSession {
  /** Each tensor as it is now. */
  readings(): readonly RateReading[];
  /** λ of the last step. */
  readonly weight: number;
}
