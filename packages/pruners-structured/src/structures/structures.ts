import type { Parameter } from '@espalier/core';
import type { DependencyGroup } from '../dependency-groups.js';
import type { Slice } from './slice.js';

/** Structures that are ranked with each other: the units of a dependency group, the rows of a matrix, … */
export interface Structures {
  /** Of the group, or of the parameter. */
  readonly name: string;
  /** How many there are. */
  readonly size: number;
  /** The weights that tell how important each one is. */
  readonly scored: readonly Slice[];
  /** The weights that go with each one. */
  readonly masked: readonly Slice[];
  /** The dependency group, for structures that are tied across layers. */
  readonly group: DependencyGroup | undefined;
}

/**
 * Which structures are there no longer: those of which every scored weight is masked in the run. 1 gone,
 * 0 there.
 */
export function goneIn(
  { scored, size }: Structures,
  maskOf: (parameter: Parameter) => ArrayLike<number> | undefined,
): Uint8Array {
  const alive = new Uint8Array(size);
  for (const { parameter, outer, length, inner, units } of scored) {
    const mask = maskOf(parameter);
    for (let i = 0; i < length; i++) {
      const unit = units[i];
      if (unit < 0 || alive[unit] === 1) continue;
      if (mask === undefined) alive[unit] = 1;
      else {
        for (let o = 0; o < outer && alive[unit] === 0; o++) {
          const from = (o * length + i) * inner;
          for (let k = from; k < from + inner; k++) {
            if (mask[k] === 0) continue;
            alive[unit] = 1;
            break;
          }
        }
      }
    }
  }
  return alive.map((a) => 1 - a);
}
