import { dirname } from 'node:path';
import type { Losses } from '@espalier/core';
import { parseYaml, problemsError } from '@espalier/yaml';
import { type MeasuredRecipe, withOwnMeasures } from '../pipeline/own-measures.js';
import { checkData } from '../recipe/check.js';
import type { DataUse } from '../recipe/data-schema.js';
import { loadRecipe } from '../recipe/load.js';
import type { Recipe } from '../recipe/schema.js';

/** Data that a command was given. */
export interface GivenData {
  readonly data: DataUse;
  /** Paths go from here. */
  readonly folder: string;
  /** Of a recipe: which examples it holds out. */
  readonly seed: number;
  readonly loss?: Losses;
  readonly metrics?: MeasuredRecipe['metrics'];
  readonly goal?: Recipe['goal'];
}

/** How `--data` may be written, for the help of a command. */
export const dataHelp =
  "A data set (mnist, fashion-mnist, cifar10, moby-dick), a recipe whose data are meant, or '{ csv: table.csv, target: price }' as in a recipe";

/**
 * What `--data` names: a data set by name, a recipe's data, or data as a recipe has them, in braces.
 *
 * @param more - What other options add; it must be what the data take.
 * @throws EspalierError `bad-recipe`
 */
export async function givenData(
  text: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<GivenData> {
  if (isRecipe(text)) {
    const { recipe, source } = await loadRecipe(text);
    const { data, seed = 0, loss, metrics, goal } = await withOwnMeasures({ recipe, source });
    const own = typeof data === 'function' ? data : ({ ...data, ...more } as DataUse);
    const measures = { ...(loss && { loss }), ...(metrics && { metrics }), ...(goal && { goal }) };
    return { data: own, folder: dirname(source.file), seed, ...measures };
  }
  const parsed = inBraces(text) ? parseYaml(text, '--data') : undefined;
  const value = { ...(parsed ? (parsed.value as object) : { name: text }), ...more };
  const problems = checkData(value);
  if (problems.length > 0)
    throw problemsError(problems, (parsed ?? parseYaml(JSON.stringify(value), '--data')).source);
  return { data: value as DataUse, folder: '.', seed: 0 };
}

const isRecipe = (text: string): boolean => /\.(ya?ml|[cm]?[jt]s)$/i.test(text);
const inBraces = (text: string): boolean => text.trimStart().startsWith('{');

/** Whether a text says where data are as a recipe does: in braces, or by the path of one. */
export const isData = (text: string): boolean => inBraces(text) || isRecipe(text);

/** A name, or data in braces. @throws EspalierError `bad-recipe` */
export function namedOrBraces(text: string): string | Record<string, unknown> {
  if (!inBraces(text)) return text;
  const { value, source } = parseYaml(text, '--data');
  const problems = checkData(value);
  if (problems.length > 0) throw problemsError(problems, source);
  return value as Record<string, unknown>;
}
