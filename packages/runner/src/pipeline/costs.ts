import { EspalierError } from '@espalier/core';
import { compareInference, countMacs, timeInference } from '@espalier/pruners-structured';
import type { InferenceReport, ModelFigures } from '@espalier/report';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What running a model costs. */
export type Costs = Pick<ModelFigures, 'macs' | 'inference'>;

const batches = [
  { batchSize: 1, repeats: 41 },
  { batchSize: 100, repeats: 21 },
];

/** What a model computes when it predicts: its layers, without what matters to training alone. */
function computation(model: LayersModel): string {
  const training = /(seed|initializer|regularizer|constraint|trainable)$/i;
  return JSON.stringify(model.getConfig(), (key, value) => (training.test(key) ? undefined : value));
}

/**
 * Counts the multiplications of two models and measures how long they take, in turns, on the backend that is active.
 * Models of the same layers compute the same, whatever their weights: one of them is measured. Left out for
 * models with open sizes or with layers of which nothing is known.
 */
export async function costsOf(dense: LayersModel, compressed: LayersModel): Promise<[Costs, Costs]> {
  let macs: number[];
  try {
    macs = [dense, compressed].map((model) => countMacs(model).macs);
  } catch (error) {
    if (error instanceof EspalierError) return [{}, {}];
    throw error;
  }
  const same = computation(dense) === computation(compressed);
  const inference: [InferenceReport[], InferenceReport[]] = [[], []];
  for (const options of batches) {
    const { batchSize } = options;
    if (same) {
      const { median: milliseconds, quartiles } = await timeInference(dense, options);
      inference[0].push({ batchSize, milliseconds, quartiles });
      inference[1].push({ batchSize, milliseconds, quartiles, faster: 'same' });
    } else {
      const { before, after, faster } = await compareInference(dense, compressed, options);
      inference[0].push({ batchSize, milliseconds: before.median, quartiles: before.quartiles });
      inference[1].push({ batchSize, milliseconds: after.median, quartiles: after.quartiles, faster });
    }
  }
  return [
    { macs: macs[0], inference: inference[0] },
    { macs: macs[1], inference: inference[1] },
  ];
}
