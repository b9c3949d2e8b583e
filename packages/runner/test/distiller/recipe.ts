import { type ImportedRecipe, type ImportOptions, importSchedule } from '@espalier/distiller';
import { parseYaml } from '@espalier/yaml';
import { type LoadedRecipe, resolveRecipe } from '../../src/recipe/load.js';

/** Imports a schedule, and loads the recipe that comes out. */
export function imported(
  schedule: string,
  options: Partial<ImportOptions> = {},
): ImportedRecipe & { loaded: LoadedRecipe } {
  const made = importSchedule(schedule, 'schedule.yaml', { name: 'test', ...options });
  const { value, source } = parseYaml(made.yaml, `${process.cwd()}/recipe.yaml`);
  return { ...made, loaded: resolveRecipe(value, source) };
}
