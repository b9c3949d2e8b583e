import { nearestName, shown } from '@espalier/core';
import type { Problem } from '@espalier/yaml';
import type * as z from 'zod';
import { checkGoal, checkLosses, checkMetrics, checkWatched } from './check-measures.js';
import { dataForms, formOf } from './data-schema.js';
import { alternatives, defOf, formsOf, meantBy, schemaAt } from './forms.js';
import { applyStage, type Recipe, recipeHead, trainStage } from './schema.js';

/** The keys that may stand at a path of a schema. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const def = defOf(schema);
  if (def.innerType !== undefined) return keysAt(def.innerType, path);
  if (def.getter !== undefined) return keysAt(def.getter(), path);
  if (def.out !== undefined) return keysAt(def.out, path);
  if (def.options !== undefined) return def.options.flatMap((option) => keysAt(option, path));
  const [key, ...rest] = path;
  if (def.shape !== undefined) {
    if (key === undefined) return Object.keys(def.shape);
    return Object.hasOwn(def.shape, key) ? keysAt(def.shape[key as string], rest) : [];
  }
  const inner = def.element ?? def.valueType ?? def.items?.[key as number] ?? def.rest;
  return inner == null || key === undefined ? [] : keysAt(inner, rest);
}

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], root);

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Issue = z.core.$ZodIssue;

/** The issue of a union that says most: that of the alternative which got furthest, or which names what there is. */
function deepest(issue: Issue, root: unknown): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0 || isMap(valueAt(root, issue.path))) {
    return issue;
  }
  const depth = (issues: readonly Issue[]): number => Math.max(...issues.map((i) => i.path.length));
  const best = issue.errors.reduce((a, b) => (depth(b) > depth(a) ? b : a));
  if (depth(best) < 1) {
    const named = issue.errors.flat().filter((i) => i.code === 'invalid_value');
    if (named.length === 0 || typeof valueAt(root, issue.path) !== 'string') return issue;
    return { ...named[0], values: named.flatMap(({ values }) => values), path: issue.path } as Issue;
  }
  // An alternative that knows none of the keys given is not the one that was meant.
  if (best.some((i) => i.code === 'unrecognized_keys' && i.path.length === 0)) return issue;
  return deepest({ ...best[0], path: [...issue.path, ...best[0].path] } as Issue, root);
}

function unknownKey(path: readonly (string | number)[], key: string, known: readonly string[]): Problem {
  const near = nearestName(key, known);
  const hint = near === undefined ? `Known keys: ${known.join(', ')}.` : `Did you mean '${near}'?`;
  return { path: [...path, key], key: true, message: `there is no key '${key}' here. ${hint}` };
}

function explain(schema: z.ZodType, root: unknown, found: Issue): Problem[] {
  const issue = deepest(found, root);
  const path = issue.path as (string | number)[];
  const value = valueAt(root, path);
  if (issue.code === 'unrecognized_keys') {
    const own = schemaAt(schema, path);
    const others = isMap(value) ? Object.entries(value).filter(([key]) => !issue.keys.includes(key)) : [];
    const meant = own && meantBy(Object.fromEntries(others), own);
    const known = meant ? keysAt(meant, []) : keysAt(schema, path);
    return issue.keys.map((key) => unknownKey(path, key, known));
  }
  if (issue.code === 'invalid_union' && isMap(value)) {
    const known = [...new Set(keysAt(schema, path))];
    const wrong = Object.keys(value).filter((key) => !known.includes(key));
    if (known.length > 0 && wrong.length > 0) return wrong.map((key) => unknownKey(path, key, known));
  }
  if (value === undefined) return [{ path, message: `'${String(path.at(-1))}' is missing.` }];
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const near = nearestName(String(value), values);
    const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
    return [{ path, message: `found ${shown(value)}, expected ${values.join(' or ')}.${hint}` }];
  }
  if (issue.code === 'invalid_union') return explainUnion(schemaAt(schema, path), value, path);
  return [{ path, message: `found ${shown(value)}: ${wanted(issue, schemaAt(schema, path))}.` }];
}

/** What an issue asks for: in the schema's own words where it has some, else by its forms. */
function wanted(issue: Issue, schema: z.ZodType | undefined): string {
  const own = !/^(Invalid input|Too (small|big))/.test(issue.message);
  if (own) return issue.message;
  if (issue.code === 'too_small' && issue.origin === 'array')
    return `expected a list of at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin === 'array')
    return `expected a list of at most ${issue.maximum}`;
  const forms = schema === undefined ? '' : formsOf(schema);
  return forms === '' ? issue.message : `expected ${forms}`;
}

/** Of what is none of a union's alternatives: what is wrong with the one that was meant, or which there are. */
function explainUnion(
  union: z.ZodType | undefined,
  value: unknown,
  path: readonly (string | number)[],
): Problem[] {
  const meant = union && isMap(value) ? meantBy(value, union) : undefined;
  const issues = meant?.safeParse(value).error?.issues ?? [];
  if (meant !== undefined && alternatives(meant).length === 1 && issues.length > 0) {
    return issues
      .flatMap((issue) => explain(meant, value, issue))
      .map((problem) => ({ ...problem, path: [...path, ...problem.path] }));
  }
  const forms = union === undefined ? '' : formsOf(union);
  return [
    {
      path: [...path],
      message: `found ${shown(value)}: ${forms === '' ? 'it is of no known form' : `expected ${forms}`}.`,
    },
  ];
}

/** All that is wrong with `data`. */
export function checkData(data: unknown): Problem[] {
  if (typeof data === 'function') return [];
  const forms = Object.keys(dataForms);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return [{ path: [], message: `found ${shown(data)}: expected a map with one of ${forms.join(', ')}.` }];
  }
  const form = formOf(data);
  if (form === undefined) {
    const near = Object.keys(data).find((key) => nearestName(key, forms) !== undefined);
    if (near !== undefined) return [unknownKey([], near, forms)];
    return [{ path: [], message: `it does not say which data. Known keys: ${forms.join(', ')}.` }];
  }
  const schema: z.ZodType = dataForms[form];
  return (schema.safeParse(data).error?.issues ?? []).flatMap((issue) => explain(schema, data, issue));
}

/** All that is wrong with loss, metrics and goal. */
function checkMeasures({ loss, metrics, goal, search }: z.infer<typeof recipeHead>): Problem[] {
  const problems = loss === undefined ? [] : checkLosses(loss);
  const wrong = metrics === undefined ? [] : checkMetrics(metrics);
  problems.push(...wrong);
  if (goal !== undefined && wrong.length === 0) problems.push(...checkGoal(goal, metrics));
  if (search?.bound !== undefined && search.maxError !== undefined) {
    problems.push({ path: ['search', 'bound'], message: 'maxError bounds it already. Leave one out.' });
  }
  if (search?.front && search.strategy !== 'tpe') {
    problems.push({
      path: ['search', 'front'],
      message: 'only the strategy tpe looks for a front. Write strategy: tpe.',
    });
  }
  return problems;
}

/** Checks a recipe. Either it is one, or here is all that is wrong with it. */
export function checkRecipe(value: unknown): { recipe: Recipe } | { problems: Problem[] } {
  const head = recipeHead.safeParse(value);
  if (!head.success) {
    return { problems: head.error.issues.flatMap((issue) => explain(recipeHead, value, issue)) };
  }
  const problems: Problem[] = checkData(head.data.data).map((problem) => ({
    ...problem,
    path: ['data', ...problem.path],
  }));
  const wrong = checkMeasures(head.data);
  const measured = wrong.length === 0;
  problems.push(...wrong);
  const names = new Set<unknown>();
  for (const [i, stage] of head.data.stages.entries()) {
    const schema = 'use' in stage || 'plugin' in stage ? applyStage : trainStage;
    const checked = schema.safeParse(stage);
    for (const issue of checked.error?.issues ?? []) {
      for (const problem of explain(schema, stage, issue)) {
        problems.push({ ...problem, path: ['stages', i, ...problem.path] });
      }
    }
    if (measured && checked.success) {
      const { metrics, goal } = head.data;
      const watched = checkWatched(stage, metrics, goal);
      problems.push(...watched.map((problem) => ({ ...problem, path: ['stages', i, ...problem.path] })));
    }
    if (names.has(stage.name)) {
      problems.push({
        path: ['stages', i, 'name'],
        message: `there are two stages '${String(stage.name)}'.`,
      });
    }
    names.add(stage.name);
  }
  const { baseline } = head.data;
  if (baseline !== undefined && !names.has(baseline)) {
    const near = nearestName(baseline, [...names].map(String));
    problems.push({
      path: ['baseline'],
      message: `there is no stage '${baseline}'.${near === undefined ? '' : ` Did you mean '${near}'?`}`,
    });
  }
  return problems.length > 0 ? { problems } : { recipe: head.data as unknown as Recipe };
}
