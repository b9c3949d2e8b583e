import { EspalierError } from '@espalier/core';
import type { Source } from '@espalier/yaml';

type Path = readonly (string | number)[];

/** An error that knows its place: keys from where the work was asked for down to the value at fault. */
export class FaultAt extends EspalierError {
  readonly path: Path;

  constructor(
    code: string,
    path: Path,
    message: string,
    options: { readonly remedy?: string; readonly cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.path = path;
  }
}

/** Errors that speak of what a recipe says at some place: they are told with that place. */
const aboutRecipes = new Set([
  'unknown-name',
  'unknown-option',
  'invalid-option',
  'invalid-schedule',
  'bad-plugin',
  'bad-model',
  'bad-recipe',
  'bad-data',
  'bad-file',
  'not-found',
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
    const place = cause instanceof FaultAt ? [...path, ...cause.path] : path;
    throw new EspalierError(code, `${source.locate(place)}: ${message}`, { cause });
  }
}
