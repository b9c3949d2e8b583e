import { encode, type ModelArtifacts } from '@espalier/codec';

/** The model without any loss, as `inspect` packs it; with more effort only where that might be smaller than `rival` bytes. */
export function packedAsItIs(artifacts: ModelArtifacts, effort: number, rival: number): Uint8Array {
  const quick = encode(artifacts, { effort: Math.min(effort, 1) });
  if (quick.length > 1.25 * rival || effort <= 1) return quick;
  const other = encode(artifacts, { effort });
  return other.length < quick.length ? other : quick;
}
