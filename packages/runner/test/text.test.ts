import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs-core';
import { sequential, layers as tfLayers } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { firstBatch, loadData } from '../src/pipeline/data.js';
import type { MeasuredRecipe } from '../src/pipeline/own-measures.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import type { Recipe } from '../src/recipe/schema.js';
import { folder } from './fixtures.js';

// What comes after an a is b, after a b c or d by turns: half of the b's cost a bit, nothing else does.
vi.mock('../../datasets/src/text.js', async (original) => {
  const real = await original<typeof import('../../datasets/src/text.js')>();
  return {
    ...real,
    loadText: (name: string, options: object) =>
      real.textDataset(name, 'abcabd'.repeat(1000), 'validation' in options ? { validation: 0.1 } : {}),
  };
});

vi.setConfig({ testTimeout: 300_000 });

const recipe = (data: object): Recipe =>
  ({
    name: 'text',
    data: { name: 'moby-dick', ...data },
    model: 'm',
    stages: [{ name: 'a', epochs: 1 }],
  }) as Recipe;
const silence = (): void => {};

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: silence });
});

describe('text', () => {
  it('comes as ids for an embedding, as one-hot rows for any other layer', async () => {
    const data = await loadData(recipe({ length: 10, batchSize: 4 }) as MeasuredRecipe, '.', silence);
    expect([data.inputShape, data.characters]).toEqual([[10], true]);
    const embedding = tfLayers.embedding({ inputDim: 4, outputDim: 4, inputShape: [10] });
    const recurrent = tfLayers.gru({
      units: 4,
      returnSequences: true,
      inputShape: [10, 4],
      recurrentInitializer: 'glorotUniform',
    });
    for (const [layer, shape] of [
      [embedding, [4, 10]],
      [recurrent, [4, 10, 4]],
    ] as const) {
      const batch = await firstBatch(data.cut(sequential({ layers: [layer] })).training(0));
      expect([(batch.inputs as tf.Tensor).shape, (batch.labels as tf.Tensor).shape]).toEqual([
        shape,
        [4, 10, 4],
      ]);
      tf.dispose([batch.inputs, batch.labels]);
    }
  });

  it('has a validation share, and nothing that images have', async () => {
    const size = async (data: object): Promise<number> =>
      (await loadData(recipe(data) as MeasuredRecipe, '.', silence)).cut(
        sequential({ layers: [tfLayers.embedding({ inputDim: 4, outputDim: 4, inputShape: [10] })] }),
      ).validation.size;
    expect(await size({ length: 10, validation: 0.1 })).toBe(59);
    expect(await size({ length: 10 })).toBe(29);
    await expect(loadData(recipe({ validation: 500 }) as MeasuredRecipe, '.', silence)).rejects.toThrow(
      /validation is 500.*\n.*share below 1/,
    );
    await expect(loadData(recipe({ augment: { shift: 1 } }) as MeasuredRecipe, '.', silence)).rejects.toThrow(
      /'augment' has no meaning for text/,
    );
    await expect(
      loadData(
        { ...recipe({ length: 10 }), data: { name: 'mnist', length: 10 } } as MeasuredRecipe,
        '.',
        silence,
      ),
    ).rejects.toThrow(/'length' has no meaning for mnist.*\n.*moby-dick/);
  });

  it('is refused for a model that does not tell the next character at each place', async () => {
    const data = await loadData(recipe({ length: 10 }) as MeasuredRecipe, '.', silence);
    const last = sequential({
      layers: [tfLayers.dense({ units: 4, inputShape: [10] })],
    });
    expect(() => data.cut(last)).toThrow(/gives \[4\] for an example; moby-dick has labels \[10,4\]/);
  });

  it('is measured in bits per character', async () => {
    const home = folder();
    writeFileSync(
      join(home, 'recipe.yaml'),
      `name: bigrams
seed: 1
data: { name: moby-dick, length: 30, batchSize: 10 }
model:
  layers:
    - embedding: { inputDim: 4, outputDim: 8 }
    - dense: { name: next, units: 4, activation: softmax }
stages:
  - { name: dense, epochs: 3, learningRate: 0.1 }
  - { name: prune, use: '@espalier/pruners#level', options: { sparsity: 0.5 }, parameters: next/kernel }
`,
    );
    const report = await runRecipe(await loadRecipe(join(home, 'recipe.yaml')), {
      out: join(home, 'out'),
      backend,
    });
    // Of three characters one is known to follow an a, one a c or d, and one is a c or a d: a third of a bit.
    expect(report.dense.bitsPerCharacter).toBeCloseTo(1 / 3, 2);
    expect(report.dense.bitsPerCharacter).toBeCloseTo(report.dense.loss! / Math.LN2, 10);
    expect(report.compressed.bitsPerCharacter).toBeGreaterThan(report.dense.bitsPerCharacter!);
  });
});
