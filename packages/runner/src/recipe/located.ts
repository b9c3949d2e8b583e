import { EspalierError } from '@espalier/core';
import type { Source } from './source.js';

type Path = readonly (string | number)[];

/** Errors that speak of what a recipe says at some place: they are told with that place. */
const aboutRecipes = new Set([
  'unknown-name',
  'unknown-option',
  'invalid-option',
  'invalid-schedule',
  'bad-plugin',
  'bad-model',
  'bad-recipe',
]);

/**
 * Does work that a place of the recipe asks for; what that throws because of what stands there comes with file,
 * line and column.
 */
export async function located<T>(source: Source, path: Path, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: string };
    if (typeof code !== 'string' || !aboutRecipes.has(code)) throw cause;
    throw new EspalierError(code, `${source.locate(path)}: ${message}`, { cause });
  }
}
