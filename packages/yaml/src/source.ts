import { EspalierError } from '@espalier/core';

/** Where in a file the values of a tree stand, for messages. */
export interface Source {
  readonly file: string;
  /** `file:line:column` of the value at `path`: keys and indices from the root; of its key instead with `key`. */
  locate(path: readonly (string | number)[], key?: boolean): string;
}

/** One thing that is wrong with a tree of values, and where. */
export interface Problem {
  /** Keys from the root to the value at fault. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** True when the key itself is at fault, not its value. */
  readonly key?: boolean;
}

/**
 * A source without lines, of a tree that was made in code or changed since it was read: places are told by their keys.
 *
 * @example
 * ```ts
 * import { plainSource } from '@espalier/yaml';
 *
 * const place = plainSource('recipe.ts').locate(['stages', 0, 'epochs']);
 * if (place !== 'recipe.ts: stages.0.epochs') throw new Error(place);
 * ```
 */
export function plainSource(file: string): Source {
  return { file, locate: (path) => `${file}: ${path.join('.') || 'recipe'}` };
}

/** One error, of the code `bad-recipe`, that lists every problem, each with its place. */
export function problemsError(problems: readonly Problem[], source: Source): EspalierError {
  const lines = problems.map(({ path, message, key }) => {
    return `${source.locate(path, key)}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`;
  });
  return new EspalierError('bad-recipe', lines.join('\n'));
}
