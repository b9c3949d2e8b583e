import '@tensorflow/tfjs-backend-cpu';
import { encode } from '@espalier/codec';
import { modelFrom } from '@espalier/compress';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import type { Listener } from '../src/pipeline/listener.js';
import { artifactsOf } from '../src/pipeline/model-files.js';
import { reorder } from '../src/pipeline/reorder.js';
import { recipeSchema } from '../src/recipe/schema.js';

it('a reordered model computes the same, packs no larger, and tells what was moved', async () => {
  // Two kinds of units, mixed: input pixels of the left half or of the right half, with levels that do not repeat.
  const model = sequential({
    layers: [
      layers.dense({ units: 48, inputShape: [64], activation: 'relu', name: 'hidden' }),
      layers.dense({ units: 4, name: 'out' }),
    ],
  });
  const kernel = tf.tidy(() => {
    const data = Float32Array.from({ length: 64 * 48 }, (_, i) => {
      const [pixel, unit] = [Math.floor(i / 48), i % 48];
      const half = (unit * 29) % 48 < 24 ? 0 : 1;
      const level = ((pixel * 131 + unit * 197 + pixel * unit * 31) % 1009) % 5;
      return pixel >> 5 === half ? (level - 2) * 0.25 : 0;
    });
    return tf.tensor2d(data, [64, 48]);
  });
  const [, ...others] = model.getWeights();
  model.setWeights([kernel, ...others]);
  const heard: string[] = [];
  const listener = { info: (text: string) => heard.push(text) } as unknown as Listener;
  const before = await artifactsOf(model);
  const after = reorder(before, listener);
  expect(heard).toEqual(['Reordered the units of hidden']);
  expect(encode(after).length).toBeLessThan(encode(before).length - 20);
  const moved = await modelFrom(after);
  const x = tf.randomUniform([8, 64], 0, 1, 'float32', 3);
  const [a, b] = [model.predict(x), moved.predict(x)] as tf.Tensor[];
  const error = tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);
  expect(error).toBeLessThan(1e-5);
  tf.dispose([a, b, x, kernel]);
  moved.dispose();
  model.dispose();
});

it('is asked for in the recipe', () => {
  const { encode: packing } = recipeSchema.shape;
  expect(packing.parse({ reorder: true })).toEqual({ reorder: true });
  expect(packing.safeParse({ reorder: 'yes' }).success).toBe(false);
});
