export { modelFrom } from '@espalier/compress';
export { readArtifacts } from '@espalier/formats';
export { type InitOptions, initRecipe } from './init/init.js';
export type { Ask, Flags } from './init/questions.js';
export { type Listener, silent } from './pipeline/listener.js';
export { artifactsOf, readLayersModel } from './pipeline/model-files.js';
export { type RunOptions, runRecipe } from './pipeline/run-recipe.js';
export type { Trial as SearchResult } from './pipeline/search/rank.js';
export {
  type Asked as SearchAsked,
  type History as SearchHistory,
  type Strategy as SearchStrategy,
  type StrategyOptions as SearchStrategyOptions,
  strategyOf,
} from './pipeline/search/strategy.js';
export { defineRecipe, type RecipeDefinition } from './recipe/define.js';
export { recipeJsonSchema } from './recipe/json-schema.js';
export { type LoadedRecipe, loadRecipe, resolveRecipe } from './recipe/load.js';
export type { Recipe } from './recipe/schema.js';
