export { readArtifacts } from '@espalier/formats';
export { type Listener, silent } from './pipeline/listener.js';
export { artifactsOf, modelFrom, readLayersModel } from './pipeline/model-files.js';
export { type RunOptions, runRecipe } from './pipeline/run-recipe.js';
export { defineRecipe, type RecipeDefinition } from './recipe/define.js';
export { recipeJsonSchema } from './recipe/json-schema.js';
export { type LoadedRecipe, loadRecipe, resolveRecipe } from './recipe/load.js';
export type { Recipe } from './recipe/schema.js';
