import type { Parameter } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type Slice, spread } from './slice.js';
import type { Structures } from './structures.js';

/** What is pruned of each parameter: factors, 0 or 1, of the structures of its slices. */
export type Parts = Map<Parameter, { readonly slices: Slice[]; readonly factors: Uint8Array[] }>;

export function partsOf(chosen: readonly { readonly set: Structures; readonly pruned: Uint8Array }[]): Parts {
  const parts: Parts = new Map();
  for (const { set, pruned } of chosen) {
    if (!pruned.includes(1)) continue;
    const kept = pruned.map((p) => 1 - p);
    for (const slice of set.masked) {
      const part = parts.get(slice.parameter) ?? { slices: [], factors: [] };
      parts.set(slice.parameter, part);
      part.slices.push(slice);
      part.factors.push(kept);
    }
  }
  return parts;
}

/** Masks of all weights that go with pruned structures, in the parameters' shapes. */
export function masksOf(parts: Parts): Map<Parameter, tf.Tensor> {
  return new Map([...parts].map(([parameter, { slices, factors }]) => [parameter, spread(slices, factors)]));
}
