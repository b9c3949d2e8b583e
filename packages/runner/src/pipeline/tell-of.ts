import { unseededLayers } from '@espalier/core';
import type { DataSource } from '@espalier/datasets';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Listener } from './listener.js';

/** Says what of a model and its data may be other than whoever runs them thinks. */
export function tellOf(model: LayersModel, source: DataSource, listener: Listener): void {
  const frozen = model.layers.filter(({ trainable, weights }) => !trainable && weights.length > 0);
  if (frozen.length > 0) {
    const come = frozen.length > 1 ? `and ${frozen.length - 1} more layers come` : 'comes';
    listener.info(
      `${frozen[0].name} ${come} frozen and will not be trained; with model: { from: … } all are trained.`,
    );
  }
  const unseeded = unseededLayers(model);
  if (unseeded.length > 0) {
    listener.warn(
      `${unseeded.join(', ')}: TF.js draws their noise unseeded; this run cannot be repeated bit for bit.`,
    );
  }
  if (!source.repeatable) {
    listener.warn(
      `${source.name} does not promise the same batches again; this run cannot be repeated or resumed bit for bit.`,
    );
  }
}
