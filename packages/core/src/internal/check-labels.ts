import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { arrange, listed } from '../arrange.js';
import type { Batch, Data } from '../data.js';
import { EspalierError } from '../errors.js';
import { areNumbers } from '../loss/labels.js';
import type { ResolvedLoss } from '../loss.js';
import type { ResolvedLosses } from '../losses.js';
import { readLater } from '../read.js';
import { disposeBatch } from './dispose-batch.js';

/** Where a value stands: of which output, for a model of several. */
const of = ({ outputNames }: LayersModel, output: number): string =>
  outputNames.length > 1 ? ` of the output '${outputNames[output]}'` : '';

interface Fault {
  readonly at: number;
  readonly wanted: string;
  readonly remedy: string;
}

/** The first label that a loss cannot take. */
function faultIn(values: Float32Array, loss: ResolvedLoss, classes: number | undefined): Fault | undefined {
  const { range } = loss;
  if (range === undefined) return undefined;
  const finite = values.findIndex((v) => !Number.isFinite(v));
  if (finite >= 0) return { at: finite, wanted: 'a number', remedy: 'Look for it in the data.' };
  if (classes !== undefined) {
    const at = values.findIndex((v) => v !== loss.ignore && !(Number.isInteger(v) && v >= 0 && v < classes));
    const remedy = 'Classes are numbered from 0; let the model end in as many units as there are.';
    return at < 0 ? undefined : { at, wanted: `a class from 0 to ${classes - 1}`, remedy };
  }
  const at = values.findIndex((v) => v < range[0] || v > range[1]);
  if (at < 0) return undefined;
  return {
    at,
    wanted: `in [${range}], as this loss takes them`,
    remedy: 'Numbers want meanSquaredError, meanAbsoluteError or huber.',
  };
}

/**
 * Refuses labels that a loss can make nothing of: no class, not in its range, not a number.
 *
 * @throws EspalierError `bad-data`
 */
export async function checkLabels(model: LayersModel, losses: ResolvedLosses, batch: Batch): Promise<void> {
  const labels = listed(arrange(model, 'output', batch.labels));
  const outputs = labels.map((tensor, i) => {
    const shape = [tensor.shape[0], ...(model.outputs[i]?.shape.slice(1) ?? [])];
    return shape.includes(null) ? undefined : (shape as number[]);
  });
  await readLater(
    () => [...labels],
    (seen) => {
      for (const [i, values] of (seen as readonly Float32Array[]).entries()) {
        const loss = losses.each[i];
        const shape = outputs[i];
        const sparse =
          loss.task === 'classes' &&
          shape !== undefined &&
          areNumbers(labels[i], { shape, size: shape.reduce((a, b) => a * b, 1) });
        const fault = faultIn(values, loss, sparse ? shape.at(-1) : undefined);
        if (fault === undefined) continue;
        const example = Math.floor(fault.at / (values.length / labels[i].shape[0]));
        throw new EspalierError(
          'bad-data',
          `A label${of(model, i)} is ${values[fault.at]}, in example ${example} of its batch; it should be ${fault.wanted}.`,
          { remedy: fault.remedy },
        );
      }
    },
  );
}

/**
 * Looks for what made a loss that is not finite, among the batches that led to it.
 *
 * @returns What is wrong with inputs, if it is these.
 * @throws EspalierError `bad-data` for labels
 */
export async function lookForFault(
  model: LayersModel,
  losses: ResolvedLosses,
  data: Data,
  epoch: number,
  steps: number,
): Promise<string | undefined> {
  let step = 0;
  for await (const batch of data.batches(epoch)) {
    try {
      await checkLabels(model, losses, batch);
      const inputs = listed(arrange(model, 'input', batch.inputs));
      const finite = await readLater(
        () => inputs.map((tensor) => tf.all(tf.isFinite(tf.cast(tensor, 'float32')))),
        (seen) => (seen as readonly Float32Array[]).every(([all]) => all === 1),
      );
      if (!finite) return `The inputs of batch ${step} are not all finite.`;
    } finally {
      disposeBatch(batch);
    }
    if (++step >= steps) return undefined;
  }
  return undefined;
}
