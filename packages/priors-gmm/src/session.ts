import type { RegularizerSession } from '@espalier/core';
import type { Mixture } from './mixture.js';

/** A prior at work. With `pruneFrom` it prunes, too. */
export interface MixtureSession extends RegularizerSession {
  /** The mixtures as they are now, by the name of what shares them: `all`, a layer's or a parameter's name. */
  mixtures(): ReadonlyMap<string, Mixture>;
  /** τ of the last step. */
  readonly tau: number;
  /** Share of the weights for which the zero component took most responsibility at the last step, or pruned. */
  readonly zeros: number | undefined;
}
