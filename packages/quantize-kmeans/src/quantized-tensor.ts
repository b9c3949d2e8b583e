import type { QuantizedTensor } from '@espalier/core';

/**
 * A quantised tensor without the codebook entries that no element uses. With `fixZero` the entry 0 is one that
 * fine-tuning leaves alone.
 */
export function compact(
  codebook: Float32Array,
  indices: Uint8Array | Uint16Array,
  fixZero: boolean,
): QuantizedTensor {
  const used = new Uint8Array(codebook.length);
  for (let i = 0; i < indices.length; i++) used[indices[i]] = 1;
  const kept = codebook.filter((_, j) => used[j] === 1);
  let to = 0;
  const renumbered = Uint16Array.from(used, (use) => (use === 1 ? to++ : 0));
  const compacted = new (kept.length <= 256 ? Uint8Array : Uint16Array)(indices.length);
  for (let i = 0; i < indices.length; i++) compacted[i] = renumbered[indices[i]];
  const zero = kept.indexOf(0);
  return { codebook: kept, indices: compacted, ...(fixZero && zero >= 0 && { fixed: [zero] }) };
}
