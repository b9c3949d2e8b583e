import { EspalierError } from '@espalier/core';
import { countMacs, timeInference } from '@espalier/pruners-structured';
import type { ModelFigures } from '@espalier/report';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What running a model costs. */
export type Costs = Pick<ModelFigures, 'macs' | 'inference'>;

const batchSizes = [1, 100];

/**
 * Counts a model's multiplications and measures how long it takes, on the backend that is active. Left out for
 * models with open sizes or with layers of which nothing is known.
 */
export async function costsOf(model: LayersModel): Promise<Costs> {
  let macs: number;
  try {
    macs = countMacs(model).macs;
  } catch (error) {
    if (error instanceof EspalierError) return {};
    throw error;
  }
  const inference: { batchSize: number; milliseconds: number }[] = [];
  for (const batchSize of batchSizes) {
    const { median } = await timeInference(model, { batchSize, repeats: batchSize === 1 ? 21 : 11 });
    inference.push({ batchSize, milliseconds: median });
  }
  return { macs, inference };
}
