import { encode, type ModelArtifacts } from '@espalier/codec';
import type { Work } from '../time-budget.js';

/**
 * The model without any loss, as `inspect` packs it; with more effort only where that might be smaller than `rival` bytes. Whoever keeps
 * it decodes it with `decodeChecked`.
 */
export function packedAsItIs(
  artifacts: ModelArtifacts,
  effort: number,
  rival: number,
  work?: Work,
): Uint8Array {
  const quick = encode(artifacts, { effort: Math.min(effort, 1), verify: false });
  if (quick.length > 1.25 * rival || effort <= 1) return quick;
  const budgetMs = work?.milliseconds(0.5) ?? Number.POSITIVE_INFINITY;
  const other = encode(artifacts, { effort, budgetMs, verify: false });
  return other.length < quick.length ? other : quick;
}
