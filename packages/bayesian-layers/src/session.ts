import type { ForwardSession, RegularizerSession } from '@espalier/core';

/** What a layer's posterior says about its groups. */
export interface GroupReading {
  /** The kernel's name. */
  readonly name: string;
  /** Log dropout rates of the groups' best weights, or of a horseshoe the negative log modes of the scales. */
  readonly rates: Float32Array;
  /** Groups at or above it go. */
  readonly threshold: number;
  /** How far apart the rates' two modes are, see `suggestThreshold`. */
  readonly clarity: number;
  /** 1 for groups that are pruned already. */
  readonly dropped: Uint8Array;
}

/** A group prior at work. With `pruneFrom` it prunes, too. */
export interface GroupSession extends RegularizerSession, ForwardSession {
  /** The posterior of each layer's groups as it is now. */
  readings(): readonly GroupReading[];
}
