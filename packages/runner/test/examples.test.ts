import '@tensorflow/tfjs-backend-cpu';
// Orthogonal initializers of TF.js 4.22 chain their calls.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Run } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { loadData } from '../src/pipeline/data.js';
import { makeModel } from '../src/pipeline/model.js';
import type { MeasuredRecipe } from '../src/pipeline/own-measures.js';
import { Plugins } from '../src/pipeline/plugins.js';
import { checkStages, prepareStages } from '../src/pipeline/prepare.js';
import { loadRecipe } from '../src/recipe/load.js';
import type { Recipe } from '../src/recipe/schema.js';

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

/** A recipe that starts from what another of its folder trains, with that one's model in place of the file. */
async function withModel(recipe: Recipe, file: string): Promise<Recipe> {
  const run = typeof recipe.model === 'string' ? /runs\/([^/]+)\/tfjs/.exec(recipe.model)?.[1] : undefined;
  if (run === undefined) return recipe;
  const others = recipes.filter((other) => dirname(other) === dirname(file));
  const loaded = await Promise.all(others.map((other) => loadRecipe(join(examples, other))));
  const maker = loaded.find((other) => other.recipe.name === run);
  expect(maker, `${file} starts from ${run}, which no recipe beside it is named`).toBeDefined();
  return { ...recipe, model: (maker as (typeof loaded)[0]).recipe.model };
}

describe('the recipes of the examples', () => {
  it.for(recipes)('%s: plugins, options, names and times are right', async (file, { skip }) => {
    const loaded = await loadRecipe(join(examples, file));
    const { recipe, source } = loaded;
    const folder = dirname(source.file);
    const prepare = join(folder, 'prepare.js');
    const { from = recipe.model } = recipe.model as { from?: unknown };
    if (existsSync(prepare) && typeof from === 'string' && !existsSync(join(folder, from)))
      skip(`its model is fetched by ${prepare}`);
    const prepared = await prepareStages(loaded, await Plugins.of(loaded));
    const { name, length = 64 } = recipe.data as { name: string; length?: number };
    const ownFiles = 'csv' in recipe.data || 'images' in recipe.data;
    const shape = ownFiles
      ? (await loadData(recipe as MeasuredRecipe, folder, () => undefined)).inputShape
      : (inputShapes[name] ?? [length]);
    const model = await makeModel(await withModel(recipe, file), folder, shape);
    await checkStages(source, prepared, new Run(model), () => 100);
    expect(prepared).toHaveLength(recipe.stages.length);
    model.dispose();
  });
});
