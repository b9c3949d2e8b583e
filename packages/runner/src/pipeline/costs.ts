import { EspalierError } from '@espalier/core';
import type { Described } from '@espalier/datasets';
import { compareInference, countMacs, timeInference } from '@espalier/pruners-structured';
import type { InferenceReport, ModelFigures } from '@espalier/report';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What running a model costs. */
export type Costs = Pick<ModelFigures, 'macs' | 'inference'>;

/** Of a net that takes long, some calls show as much as many: beyond so many seconds no more are made. */
const seconds = 20;
const batches = [
  { batchSize: 1, repeats: 41, seconds },
  { batchSize: 100, repeats: 21, seconds },
];

/** The sizes that a model leaves open are those of the data. */
function sizesFor(model: LayersModel, data: readonly Described[]): readonly (readonly number[])[] {
  return model.inputs.map(({ shape }, i) => {
    const own = shape.slice(1);
    const { shape: given } = data.find(({ name }) => name === model.inputNames[i]) ??
      data[i] ?? { shape: [] };
    const sizes = own.map((n, axis) => n ?? (given.length === own.length ? given[axis] : n));
    return sizes as readonly number[];
  });
}

/** What a model computes when it predicts: its layers, without what matters to training alone. */
function computation(model: LayersModel): string {
  const training = /(seed|initializer|regularizer|constraint|trainable)$/i;
  return JSON.stringify(model.getConfig(), (key, value) => (training.test(key) ? undefined : value));
}

/**
 * Counts the multiplications of two models and measures how long they take, in turns, on the backend that is active.
 * Models of the same layers compute the same, whatever their weights: one of them is measured. Left out for
 * models with layers of which nothing is known.
 *
 * @param data - Inputs of one example: of their sizes are those that the models leave open.
 */
export async function costsOf(
  dense: LayersModel,
  compressed: LayersModel,
  data: readonly Described[] = [],
): Promise<[Costs, Costs]> {
  const inputShapes = sizesFor(dense, data);
  let macs: number[];
  try {
    macs = [dense, compressed].map((model) => countMacs(model, { inputShapes }).macs);
  } catch (error) {
    if (error instanceof EspalierError) return [{}, {}];
    throw error;
  }
  const same = computation(dense) === computation(compressed);
  const inference: [InferenceReport[], InferenceReport[]] = [[], []];
  for (const { batchSize, ...more } of batches) {
    const options = { batchSize, ...more, inputShapes };
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
