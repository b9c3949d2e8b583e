import { EspalierError } from '@espalier/core';
import { parseYaml } from '@espalier/yaml';

type Tree = Record<string, unknown>;

/** A deep copy of plain objects and lists; functions are kept. */
function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clone(item)]));
}

/** May a value be set here? A list has its entries and no more; what all objects have (`__proto__`) is nobody's. */
function isPlace(at: Tree, place: string): boolean {
  if (Array.isArray(at)) return /^\d+$/.test(place) && Number(place) < at.length;
  return Object.hasOwn(at, place) || !(place in at);
}

/** Where a key is: an entry of a list by its name or index. */
function placeOf(at: Tree, key: string): string {
  if (!Array.isArray(at)) return key;
  const named = at.findIndex((entry) => (entry as Tree | null)?.name === key);
  return named < 0 ? key : String(named);
}

function nothingAt(assignment: string, key: string, at: Tree): EspalierError {
  return new EspalierError('bad-recipe', `--set ${assignment}: there is no '${key}' in the recipe.`, {
    remedy: `Known here: ${Object.keys(at).join(', ')}.`,
  });
}

/**
 * Applies `--set path=value` to a recipe: `stages.1.epochs=5`, `data.batchSize=64`. A list's entries go by
 * index or, if they have one, by name: `stages.prune.epochs=5`. The value is YAML. A section that the recipe leaves out
 * may be begun so: `encode.small=true`.
 *
 * @throws EspalierError `bad-recipe` when there is no such place
 */
export function override(recipe: unknown, assignments: readonly string[]): unknown {
  const copy = clone(recipe) as Tree;
  if (copy === null || typeof copy !== 'object') return copy; // No recipe: its check says so.
  for (const assignment of assignments) {
    const [, path, text = ''] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (path === undefined) {
      throw new EspalierError('bad-recipe', `--set ${assignment}: there is no '='.`, {
        remedy: 'Write --set stages.1.epochs=5.',
      });
    }
    const keys = path.split('.');
    const last = keys.pop() as string;
    let at: Tree = copy;
    for (const key of keys) {
      const place = placeOf(at, key);
      // A section that was left out is begun; one that no recipe has is told of by the recipe's check.
      if (at === copy && isPlace(at, place) && !Array.isArray(at)) at[place] ??= {};
      const next = Object.hasOwn(at, place) ? at[place] : undefined;
      if (next === null || typeof next !== 'object') throw nothingAt(assignment, key, at);
      at = next as Tree;
    }
    const place = placeOf(at, last);
    if (!isPlace(at, place)) throw nothingAt(assignment, last, at);
    at[place] = parseYaml(text, `--set ${path}`).value;
  }
  return copy;
}
