import type { ModelArtifacts } from '@espalier/codec';

/** Is this the topology of a GraphModel? It has nodes; files need not say, and may say something else. */
export function isGraph({ format, modelTopology }: ModelArtifacts): boolean {
  if (typeof modelTopology !== 'object' || modelTopology === null) return false;
  if ('class_name' in modelTopology || 'model_config' in modelTopology) return false;
  return 'node' in modelTopology || format === 'graph-model';
}
