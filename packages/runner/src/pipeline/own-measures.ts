import { dirname } from 'node:path';
import { EspalierError, type Losses } from '@espalier/core';
import type { MetricUse } from '@espalier/metrics';
import type { LoadedRecipe } from '../recipe/load.js';
import { located } from '../recipe/located.js';
import { isOwnUse, type NamedMetric } from '../recipe/own-use.js';
import type { Recipe } from '../recipe/schema.js';
import { exportNamed } from './factories.js';

/** A recipe whose losses and metrics are at hand. */
export interface MeasuredRecipe extends Omit<Recipe, 'loss' | 'metrics'> {
  readonly loss?: Losses;
  readonly metrics?: Metrics<Exclude<NamedMetric, { readonly use: string }>>;
}

type Metrics<T> = readonly T[] | Readonly<Record<string, readonly T[]>>;
type Path = readonly (string | number)[];

type AnyFunction = (...given: unknown[]) => unknown;

/** A function of somebody's that tells of its own mistakes by its name. */
function told(use: string, own: AnyFunction): AnyFunction {
  const guarded = (...given: unknown[]): unknown => {
    try {
      return own(...given);
    } catch (cause) {
      if (typeof (cause as { code?: unknown } | null)?.code === 'string') throw cause;
      throw new EspalierError('bad-plugin', `${use} fails: ${(cause as Error)?.message ?? String(cause)}`, {
        cause,
        remedy: 'Its file is yours: TensorFlow.js is used there in function style, as in tf.mean(tf.abs(x)).',
      });
    }
  };
  return Object.defineProperty(guarded, 'length', { value: own.length });
}

const isMetric = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && typeof (value as { start?: unknown }).start === 'function';
const isFunction = (value: unknown): boolean => typeof value === 'function';

/** A tree with what files export in place of their names. */
async function filledIn(
  value: unknown,
  path: Path,
  load: (use: string, path: Path) => Promise<unknown>,
): Promise<unknown> {
  if (isOwnUse(value)) return load(value.use, [...path, 'use']);
  if (typeof value !== 'object' || value === null || isMetric(value)) return value;
  if (Array.isArray(value)) return Promise.all(value.map((one, i) => filledIn(one, [...path, i], load)));
  const entries = Object.entries(value).map(async ([key, one]) => [
    key,
    await filledIn(one, [...path, key], load),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/** A metric goes by the name that it is exported by, as the recipe's goal calls it. */
function called(metric: unknown, use: string): MetricUse {
  const name = use.slice(use.indexOf('#') + 1);
  if (isMetric(metric)) return { ...(metric as MetricUse & object), name } as MetricUse;
  return Object.defineProperty(told(use, metric as AnyFunction), 'name', {
    value: name,
  }) as unknown as MetricUse;
}

/**
 * A recipe with the losses and metrics that its files and packages export.
 *
 * @throws EspalierError with the place in the recipe: `unknown-name` for a file, package or name that does not exist, `bad-plugin`
 *   for a file that does not load
 */
export async function withOwnMeasures({ recipe, source }: LoadedRecipe): Promise<MeasuredRecipe> {
  const { loss, metrics } = recipe;
  const folder = dirname(source.file);
  const losses = (use: string, path: Path): Promise<unknown> =>
    located(source, path, async () => {
      const wanted = { what: 'loss', example: './loss.mjs#name', fits: isFunction };
      return told(use, (await exportNamed(use, folder, wanted)) as AnyFunction);
    });
  const measures = (use: string, path: Path): Promise<unknown> =>
    located(source, path, async () => {
      const fits = (value: unknown): boolean => isFunction(value) || isMetric(value);
      return called(
        await exportNamed(use, folder, { what: 'metric', example: './metric.mjs#name', fits }),
        use,
      );
    });
  return {
    ...recipe,
    ...(loss !== undefined && { loss: await filledIn(loss, ['loss'], losses) }),
    ...(metrics !== undefined && { metrics: await filledIn(metrics, ['metrics'], measures) }),
  } as MeasuredRecipe;
}
