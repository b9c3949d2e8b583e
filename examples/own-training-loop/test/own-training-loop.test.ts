import '@tensorflow/tfjs-backend-cpu';
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: the example is plain JavaScript, as many users' loops are
import { trainOnDataset } from '../dataset.js';
// @ts-expect-error: the same
import { trainAndPrune } from '../prune.js';

describe('own-training-loop', () => {
  it('prunes exactly 85 % of the kernels, at few points lost, and frees what it made', async () => {
    const before = tf.memory().numTensors;
    const { model, dense, pruned, nonzero } = await trainAndPrune({ sparsity: 0.85, steps: 200 });
    const kernels = [2 * 32, 32 * 32, 32 * 3];
    const kept = kernels.map((n) => n - Math.round(0.85 * n));
    for (const [i, size] of kept.entries()) {
      const weights = [...model.layers[i].getWeights()[0].dataSync()];
      expect(weights.filter((w) => w !== 0).length).toBe(size);
    }
    expect(nonzero).toBeLessThanOrEqual(kept.reduce((a, b) => a + b) + 32 + 32 + 3);
    expect(dense).toBeGreaterThan(0.95);
    expect(pruned).toBeGreaterThan(dense - 0.06);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('does so with the batches of a tf.data.Dataset', async () => {
    const before = tf.memory().numTensors;
    const lines: string[] = [];
    const log = (line: string): number => lines.push(line);
    const { model, pruned, nonzero } = await trainOnDataset({ sparsity: 0.85, epochs: 8, log });
    const kept = [2 * 32, 32 * 32, 32 * 3].map((n) => n - Math.round(0.85 * n));
    for (const [i, size] of kept.entries()) {
      const weights = [...model.layers[i].getWeights()[0].dataSync()];
      expect(weights.filter((w) => w !== 0).length).toBe(size);
    }
    // The first of four firings is where the schedule begins, at no sparsity; then what is left falls, and stays.
    const left = lines.map((line) => Number(/(\d+) of/.exec(line)?.[1]));
    for (let epoch = 3; epoch < 6; epoch++) expect(left[epoch]).toBeLessThan(left[epoch - 1]);
    expect(left.slice(6)).toEqual([nonzero, nonzero]);
    expect(pruned).toBeGreaterThan(0.85);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('needs core, pruners and TF.js, and nothing else', async () => {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8');
    const names = Object.keys((JSON.parse(manifest) as { dependencies: object }).dependencies);
    const others = names.filter((name) => !name.startsWith('@tensorflow/'));
    expect(others).toEqual(['@espalier/core', '@espalier/pruners']);
  });
});
