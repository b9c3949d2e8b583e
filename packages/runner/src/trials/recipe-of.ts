import { shortened } from '../pipeline/search/rungs.js';
import { type LoadedRecipe, loadRecipe, resolveRecipe } from '../recipe/load.js';
import { override } from '../recipe/override.js';
import type { Recipe } from '../recipe/schema.js';
import type { RecipeTask } from './task.js';

/** A recipe with values put in at their paths, and without its search. */
export function withValues(recipe: Recipe, values: NonNullable<RecipeTask['values']>): Recipe {
  const { search: _, ...rest } = recipe;
  const assignments = Object.entries(values).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
  return override(rest, assignments) as Recipe;
}

/** What is left of a recipe whose first stages were run: it starts from their model. */
export function afterStages(
  recipe: Recipe,
  { stages: count, model }: NonNullable<RecipeTask['common']>,
): Recipe {
  const { baseline, ...rest } = recipe;
  const stages = recipe.stages.slice(count);
  const stays = baseline !== undefined && stages.some(({ name }) => name === baseline);
  return { ...rest, model, stages, ...(stays && { baseline }) };
}

/**
 * The recipe that a task asks for.
 *
 * @throws EspalierError `bad-recipe`
 */
export async function recipeOf(
  { file, set, values, share = 1, common }: RecipeTask,
  read: (file: string, set: readonly string[]) => Promise<LoadedRecipe> = (file, set) =>
    loadRecipe(file, { set }),
): Promise<LoadedRecipe> {
  const { recipe, source } = await read(file, set);
  const rest = common === undefined ? recipe : afterStages(recipe, common);
  if (values === undefined) return { recipe: rest, source };
  const made = resolveRecipe(withValues(rest, values), source);
  return { ...made, recipe: shortened(made.recipe, share) };
}
