import { encode, type ModelArtifacts } from '@espalier/codec';
import type { Recipe } from '../recipe/schema.js';
import type { Listener } from './listener.js';
import { reorder } from './reorder.js';
import { withoutSeeds } from './without-seeds.js';

/** Packs a trained model as its recipe says; `encoding` is what of the data a user of the file has to know. */
export function packAs(
  { encode: wanted = {} }: Recipe,
  trained: ModelArtifacts,
  encoding: object | undefined,
  listener: Listener,
): Uint8Array {
  const { effort = 9, metadata, reorder: ordered = false, small = false } = wanted;
  const artifacts = ordered ? reorder(trained, listener) : trained;
  if (metadata !== undefined || encoding !== undefined) {
    artifacts.userDefinedMetadata = { ...(encoding && { data: encoding }), ...metadata } as Record<
      string,
      object
    >;
  }
  // Next to nothing in another file, a third of what a tiny one has beside its weights.
  if (small) artifacts.modelTopology = withoutSeeds(artifacts.modelTopology) as object;
  return encode(artifacts, { effort, small });
}
