import { resolve } from 'node:path';
import { EspalierError } from '@espalier/core';
import { NotRegularError, readRegular } from '@espalier/host';
import { parseYaml, plainSource, problemsError, type Source } from '@espalier/yaml';
import { checkRecipe } from './check.js';
import { override } from './override.js';
import type { Recipe } from './schema.js';
import { isProgram } from './text.js';

/** A recipe that has been checked, and where it came from. */
export interface LoadedRecipe {
  readonly recipe: Recipe;
  readonly source: Source;
}

/** Checks a recipe object. @throws EspalierError `bad-recipe` */
export function resolveRecipe(value: unknown, source: Source): LoadedRecipe {
  const checked = checkRecipe(value);
  if ('problems' in checked) throw problemsError(checked.problems, source);
  return { recipe: checked.recipe, source };
}

async function readText(file: string): Promise<string> {
  try {
    return (await readRegular(file)).toString();
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const what = missing ? `There is no file ${file}.` : `Cannot read ${file}.`;
    throw new EspalierError('bad-recipe', cause instanceof NotRegularError ? cause.message : what, {
      cause,
      remedy: 'Give the path of a recipe: espalier run recipe.yaml',
    });
  }
}

/**
 * Reads a recipe from a YAML file, or from the default export of a TypeScript or JavaScript module, and checks
 * it. Messages name file, line and column, what was found and the nearest valid name.
 *
 * @throws EspalierError `bad-recipe`
 */
export async function loadRecipe(
  file: string,
  options: { readonly set?: readonly string[]; readonly seed?: number } = {},
): Promise<LoadedRecipe> {
  const { set = [], seed } = options;
  const assignments = seed === undefined ? set : [...set, `seed=${seed}`];
  if (isProgram(file)) {
    await readText(file);
    const { createJiti } = await import('jiti');
    const loaded = await createJiti(import.meta.url, { interopDefault: true }).import(resolve(file), {
      default: true,
    });
    return resolveRecipe(override(loaded, assignments), plainSource(file));
  }
  const { value, source } = parseYaml(await readText(file), file);
  if (assignments.length === 0) return resolveRecipe(value, source);
  const checked = checkRecipe(value);
  if ('problems' in checked) throw problemsError(checked.problems, source);
  return resolveRecipe(override(value, assignments), plainSource(`${file} with --set`));
}
