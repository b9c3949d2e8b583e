import type { LayersModel, layers } from '@tensorflow/tfjs-layers';

interface Activated {
  readonly layers?: readonly layers.Layer[];
  readonly outputLayers?: readonly layers.Layer[];
  activation?: { getClassName(): string; apply(x: unknown): unknown };
  softmax?: (x: unknown, axis?: number) => unknown;
  getClassName(): string;
}

/** An output activation that the loss can take over: cross-entropy is exact and fast on logits only. */
export type OutputActivation = 'softmax' | 'sigmoid';

function outputLayer(model: LayersModel): Activated | undefined {
  let layer = model as unknown as Activated;
  while (layer.outputLayers !== undefined) {
    // A sequential model that has not been called yet does not know its output layer: it is the last one.
    const last = layer.outputLayers.length === 0 ? layer.layers?.slice(-1) : layer.outputLayers;
    if (last?.length !== 1) return undefined;
    layer = last[0] as unknown as Activated;
  }
  return layer;
}

/** The activation of a model's only output, if it is a softmax or a sigmoid. */
export function outputActivation(model: LayersModel): OutputActivation | undefined {
  const layer = outputLayer(model);
  if (layer?.getClassName() === 'Softmax') return 'softmax'; // TF.js has it along the last axis only.
  const name = layer?.activation?.getClassName();
  return name === 'softmax' || name === 'sigmoid' ? name : undefined;
}

/** Calls `work` while the model's output activation is taken off, so that the model gives logits. */
export function withLogits<T>(model: LayersModel, work: () => T): T {
  const layer = outputLayer(model);
  if (layer === undefined || outputActivation(model) === undefined) return work();
  const { activation, softmax } = layer;
  if (layer.getClassName() === 'Softmax') layer.softmax = (x) => x;
  else layer.activation = { getClassName: () => 'linear', apply: (x) => x };
  try {
    return work();
  } finally {
    if (layer.getClassName() === 'Softmax') layer.softmax = softmax!;
    else layer.activation = activation!;
  }
}
