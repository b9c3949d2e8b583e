import type { Plugin } from '@espalier/core';
import type { OwnSource } from '@espalier/datasets';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ApplyStage, Recipe, TrainStage } from './schema.js';

type Schedule = NonNullable<TrainStage['schedules']>[number];
/** A plugin object may stand where YAML names a factory. */
type WithPlugin<T> = Omit<T, 'use'> & { readonly use?: string | (() => Plugin) };

/** A recipe written in TypeScript: as in YAML, and besides, models and plugins may be made by functions. */
export interface RecipeDefinition extends Omit<Recipe, 'data' | 'model' | 'stages'> {
  /** As in YAML, or a function that gives arrays, `tf.data.Dataset`s or batches. */
  readonly data: Exclude<Recipe['data'], () => unknown> | (() => OwnSource | Promise<OwnSource>);
  /** An architecture, a file, layers, or a function that makes the model. */
  readonly model: Recipe['model'] | (() => LayersModel | Promise<LayersModel>);
  readonly stages: readonly (
    | WithPlugin<ApplyStage>
    | (Omit<TrainStage, 'schedules'> & { readonly schedules?: readonly WithPlugin<Schedule>[] })
  )[];
}

/**
 * Types a recipe in a TypeScript file: `export default defineRecipe({ … })`. Checked when it is run.
 *
 * @example
 * ```ts
 * import { defineRecipe } from '@espalier/runner';
 * const recipe = defineRecipe({
 *   name: 'tiny',
 *   data: { name: 'mnist' },
 *   model: 'lenet-300-100',
 *   stages: [{ name: 'dense', epochs: 1 }],
 * });
 * if (recipe.stages.length !== 1) throw new Error('unexpected');
 * ```
 */
export function defineRecipe(recipe: RecipeDefinition): RecipeDefinition {
  return recipe;
}
