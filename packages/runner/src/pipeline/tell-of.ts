import { frozenParameters, type Run, unseededLayers } from '@espalier/core';
import type { DataSource } from '@espalier/datasets';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isTrainStage, type Stage } from '../recipe/schema.js';
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

/**
 * Says when a stage is too short for batch normalisations: after n steps their statistics are still momentum^n of what they were,
 * and by these the model is measured. A published net that forgets over 1000 steps, tuned on few examples, seems to learn nothing.
 */
export function tellStatistics(
  { parameters }: Pick<Run, 'parameters'>,
  stages: readonly Stage[],
  stepsPerEpoch: (stage: number) => number,
  listener: Listener,
): void {
  for (const [index, stage] of stages.entries()) {
    if (!isTrainStage(stage)) continue;
    const steps = stage.epochs * stepsPerEpoch(index);
    const frozen = stage.freeze === undefined ? [] : frozenParameters(parameters, stage.freeze);
    const slow = parameters
      .filter((p) => p.name.endsWith('/moving_mean') && p.layer.trainable && !frozen.includes(p))
      .map(({ layer }) => layer as typeof layer & { readonly momentum?: number })
      .filter(({ momentum = 0 }) => momentum ** steps > 0.5);
    if (slow.length === 0) continue;
    const [{ name, momentum }] = slow;
    const forget = slow.length > 1 ? `and ${slow.length - 1} more layers forget` : 'forgets';
    listener.warn(
      `${name} ${forget} slowly (momentum ${momentum}), and stage '${stage.name}' has ${steps} steps: what is measured goes by statistics of before. Freeze them there, freeze: [${name}, …], or train for longer.`,
    );
    return;
  }
}
