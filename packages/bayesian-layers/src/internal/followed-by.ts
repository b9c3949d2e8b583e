import type { Parameter, RunState } from '@espalier/core';
import type { layers } from '@tensorflow/tfjs-layers';

/** What TF.js layers know of their place and their declarations hide. */
interface Placed {
  readonly outboundNodes: readonly { readonly outboundLayer: layers.Layer }[];
}

/** Scales and offsets of the batch normalisations that read nothing but a layer's outputs. */
export function followedBy(run: RunState, layer: layers.Layer): Parameter[] {
  const next = (layer as unknown as Placed).outboundNodes.map(({ outboundLayer }) => outboundLayer);
  return run.parameters.filter(
    (p) =>
      next.includes(p.layer) && p.layer.getClassName() === 'BatchNormalization' && p.role !== 'statistic',
  );
}
