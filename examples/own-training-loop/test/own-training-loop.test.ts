import '@tensorflow/tfjs-backend-cpu';
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: the example is plain JavaScript, as many users' loops are
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

  it('needs core, pruners and TF.js, and nothing else', async () => {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8');
    const names = Object.keys((JSON.parse(manifest) as { dependencies: object }).dependencies);
    const others = names.filter((name) => !name.startsWith('@tensorflow/'));
    expect(others).toEqual(['@espalier/core', '@espalier/pruners']);
  });
});
