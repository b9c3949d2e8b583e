import { EspalierError } from '@espalier/core';
import { parse } from 'yaml';

type Tree = Record<string, unknown>;

/** A deep copy of plain objects and lists; functions are kept. */
function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clone(item)]));
}

/**
 * Applies `--set path=value` to a recipe: `stages.1.epochs=5`, `data.batchSize=64`. A list's entries go by
 * index or, if they have one, by name: `stages.prune.epochs=5`. The value is YAML.
 *
 * @throws EspalierError `bad-recipe` when there is no such place
 */
export function override(recipe: unknown, assignments: readonly string[]): unknown {
  const copy = clone(recipe) as Tree;
  for (const assignment of assignments) {
    const [, path, text] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (path === undefined) {
      throw new EspalierError('bad-recipe', `--set ${assignment}: there is no '='.`, {
        remedy: 'Write --set stages.1.epochs=5.',
      });
    }
    const keys = path.split('.');
    const last = keys.pop() as string;
    let at: Tree = copy;
    for (const key of keys) {
      const next = Array.isArray(at)
        ? (at.find((e) => (e as Tree)?.name === key) ?? at[Number(key)])
        : at[key];
      if (next === null || typeof next !== 'object') {
        throw new EspalierError('bad-recipe', `--set ${assignment}: there is no '${key}' in the recipe.`, {
          remedy: `Known here: ${Object.keys(at).join(', ')}.`,
        });
      }
      at = next as Tree;
    }
    at[last] = parse(text as string) as unknown;
  }
  return copy;
}
