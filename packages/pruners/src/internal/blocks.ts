import type { Blocks } from '@espalier/core';

/**
 * Mean score of each block over its elements, those that are gone counting as 0; -Infinity for a block that is gone
 * as a whole.
 */
export function blockScores(blocks: Blocks, scores: Float32Array): Float32Array {
  const sums = new Float64Array(blocks.count);
  const sizes = new Uint32Array(blocks.count);
  const gone = new Uint32Array(blocks.count);
  for (let i = 0; i < scores.length; i++) {
    const block = blocks.of[i];
    sizes[block]++;
    if (scores[i] === Number.NEGATIVE_INFINITY) gone[block]++;
    else sums[block] += scores[i];
  }
  return Float32Array.from(sums, (sum, b) =>
    gone[b] === sizes[b] ? Number.NEGATIVE_INFINITY : sum / sizes[b],
  );
}

/** The mask of the elements from the mask of the blocks. */
export function spread(blocks: Blocks, mask: Float32Array): Float32Array {
  const elements = new Float32Array(blocks.of.length);
  for (let i = 0; i < elements.length; i++) elements[i] = mask[blocks.of[i]];
  return elements;
}
