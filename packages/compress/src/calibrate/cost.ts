import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from '../model/model.js';
import { perProduct, processorSeconds } from '../time-budget.js';

/** What one example costs. */
export interface Survey {
  /** Of a forward pass. */
  readonly seconds: number;
  /** Numbers that the kernels write on the way. */
  readonly elements: number;
}

/** Runs the model on one example (or as many as it takes at a time), twice: the first time backends make ready. */
export async function survey(
  model: Executable,
  examples: Examples,
  now: () => number = processorSeconds,
): Promise<Survey> {
  let elements = 0;
  const count = (outputs: readonly tf.Tensor[]): void => {
    for (const { size } of outputs) elements += size;
  };
  tf.dispose(await model.run(examples, undefined, (_, outputs) => count(outputs)));
  const start = now();
  const outputs = await model.run(examples);
  for (const output of outputs) if (output.dtype !== 'string') output.dataSync();
  const seconds = now() - start;
  tf.dispose(outputs);
  const rows = Math.max(1, examples[0]?.shape[0] ?? 1);
  return { seconds: seconds / rows, elements: elements / rows };
}

/** Products a second of the backend, as counted or timed: of a matrix product that takes some milliseconds where it is fast. */
export function productRate(counted: boolean): number {
  if (counted) return 1 / perProduct;
  const size = 384;
  const [a, b] = [tf.ones([size, size]), tf.ones([size, size])];
  const once = (): void => {
    const product = tf.matMul(a, b);
    product.dataSync();
    product.dispose();
  };
  once();
  const start = processorSeconds();
  for (let i = 0; i < 3; i++) once();
  const seconds = Math.max(1e-4, processorSeconds() - start);
  tf.dispose([a, b]);
  return (3 * size ** 3) / seconds;
}
