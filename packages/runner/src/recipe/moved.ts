import { isAbsolute, relative, resolve, sep } from 'node:path';
import { formOf } from './data-schema.js';
import type { Recipe } from './schema.js';

type Tree = Record<string, unknown>;

/** The keys of `data` that hold paths. */
const ofData = {
  name: [],
  csv: ['csv'],
  images: ['images'],
  inputs: ['inputs', 'labels', 'weights'],
  text: ['text'],
  use: [],
};

/** A recipe for another folder than it was written for: its paths lead to the same files. */
export function moved(recipe: Recipe, from: string, to: string): Recipe {
  const path = (given: string): string => {
    if (isAbsolute(given)) return given;
    const there = relative(to, resolve(from, given)).split(sep).join('/');
    return there.startsWith('.') ? there : `./${there}`;
  };
  const paths = (given: unknown): unknown => {
    if (typeof given === 'string') return path(given);
    if (Array.isArray(given)) return given.map(paths);
    if (typeof given !== 'object' || given === null) return given;
    return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, paths(value)]));
  };
  /** What comes of files: `use` of plugins, stages, schedules, data, losses and metrics. */
  const uses = (given: unknown): unknown => {
    if (Array.isArray(given)) return given.map(uses);
    if (typeof given !== 'object' || given === null) return given;
    return Object.fromEntries(
      Object.entries(given).map(([key, value]) => {
        if (key === 'options') return [key, value];
        return [
          key,
          key === 'use' && typeof value === 'string' && value.startsWith('.') ? path(value) : uses(value),
        ];
      }),
    );
  };
  const { data, model, plugins, stages, loss, metrics } = recipe;
  const keys: readonly string[] = typeof data === 'function' ? [] : ofData[formOf(data) ?? 'name'];
  return {
    ...recipe,
    data:
      typeof data === 'function'
        ? data
        : (uses(
            Object.fromEntries(
              Object.entries(data as Tree).map(([key, value]) => [
                key,
                keys.includes(key) ? paths(value) : value,
              ]),
            ),
          ) as Recipe['data']),
    ...(typeof model === 'string' &&
      /[/\\]|\.(json|esp|h5|hdf5|keras)$/.test(model) && { model: path(model) }),
    ...(plugins && { plugins: uses(plugins) as NonNullable<Recipe['plugins']> }),
    ...(loss !== undefined && { loss: uses(loss) as NonNullable<Recipe['loss']> }),
    ...(metrics !== undefined && { metrics: uses(metrics) as NonNullable<Recipe['metrics']> }),
    stages: uses(stages) as Recipe['stages'],
  };
}
