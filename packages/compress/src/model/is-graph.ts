import type { ModelArtifacts } from '@espalier/codec';

/** Is this the topology of a GraphModel? It has nodes; files need not say, and may say something else. */
export function isGraph({ format, modelTopology }: ModelArtifacts): boolean {
  const has = (key: string): boolean =>
    typeof modelTopology === 'object' && modelTopology !== null && key in modelTopology;
  return !has('class_name') && !has('model_config') && (has('node') || format === 'graph-model');
}
