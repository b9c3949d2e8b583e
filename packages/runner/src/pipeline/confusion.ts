import { arrange, type Data } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Counts of examples by true class (row) and predicted class (column). */
export async function confusionMatrix(model: LayersModel, data: Data, classes: number): Promise<number[][]> {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for await (const batch of data.batches(0)) {
    const inputs = arrange(model, 'input', batch.inputs);
    const labels = arrange(model, 'output', batch.labels) as tf.Tensor;
    const [is, taken] = tf.tidy(() => [
      tf.argMax(labels, -1),
      tf.argMax(model.apply(inputs, { training: false }) as tf.Tensor, -1),
    ]);
    const [rows, columns] = [await is.data(), await taken.data()];
    for (let i = 0; i < rows.length; i++) counts[rows[i]][columns[i]]++;
    tf.dispose([{ ...batch } as tf.TensorContainer, is, taken]);
  }
  return counts;
}
