import '@tensorflow/tfjs-backend-cpu';
// Orthogonal initializers of TF.js 4.22 chain their calls.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Run } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { makeModel } from '../src/pipeline/model.js';
import { Plugins } from '../src/pipeline/plugins.js';
import { checkStages, prepareStages } from '../src/pipeline/prepare.js';
import { loadRecipe } from '../src/recipe/load.js';

const examples = fileURLToPath(new URL('../../../examples', import.meta.url));
const recipes = readdirSync(examples).flatMap((example) =>
  readdirSync(join(examples, example))
    .filter((file) => /^recipe.*\.yaml$/.test(file))
    .map((file) => join(example, file)),
);
const inputShapes: Readonly<Record<string, readonly number[]>> = {
  mnist: [28, 28, 1],
  'fashion-mnist': [28, 28, 1],
  cifar10: [32, 32, 3],
};

describe('the recipes of the examples', () => {
  it.each(recipes)('%s: plugins, options, names and times are right', async (file) => {
    const loaded = await loadRecipe(join(examples, file));
    const { recipe, source } = loaded;
    const prepared = await prepareStages(loaded, await Plugins.of(loaded));
    const shape = inputShapes[recipe.data.name] ?? [recipe.data.length ?? 64];
    const model = await makeModel(recipe, dirname(source.file), shape);
    await checkStages(source, prepared, new Run(model), () => 100);
    expect(prepared).toHaveLength(recipe.stages.length);
    model.dispose();
  });
});
