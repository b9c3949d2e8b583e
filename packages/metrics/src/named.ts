import { checkOptions, EspalierError, type Metric, nearestName } from '@espalier/core';
import { auc } from './auc.js';
import { accuracy, bitsPerToken, perplexity, topK } from './classes.js';
import { type CountOptions, dice, f1, iou, precision, recall } from './counts.js';
import { mae, mse, r2, rmse } from './numbers.js';
import { type OwnMetric, ownMetric } from './own.js';
import { type PictureOptions, psnr, ssim } from './pictures.js';

const factories: Readonly<Record<string, (options: never) => Metric>> = {
  accuracy,
  topK,
  precision,
  recall,
  f1,
  auc,
  iou,
  dice,
  perplexity,
  bitsPerToken,
  mae,
  mse,
  rmse,
  r2,
  psnr,
  ssim,
};

/** Those that check options of theirs. */
const withOptions: ReadonlySet<string> = new Set([
  'topK',
  'precision',
  'recall',
  'f1',
  'iou',
  'dice',
  'psnr',
  'ssim',
]);

/** A metric by name. `topK` is of the five highest outputs; `top3` is of three. */
export type MetricName =
  | 'accuracy'
  | 'topK'
  | `top${number}`
  | 'precision'
  | 'recall'
  | 'f1'
  | 'auc'
  | 'iou'
  | 'dice'
  | 'perplexity'
  | 'bitsPerToken'
  | 'mae'
  | 'mse'
  | 'rmse'
  | 'r2'
  | 'psnr'
  | 'ssim';

/** A metric by name with the options that its factory takes. */
export type MetricOptions = { readonly name: MetricName; readonly k?: number } & CountOptions &
  PictureOptions;

/** A metric as a recipe has it: its name, with options, or a function (`ownMetric`). */
export type MetricUse = MetricName | MetricOptions | OwnMetric | Metric;

/** All metrics with a name. */
export const metricNames: readonly MetricName[] = Object.keys(factories) as MetricName[];

/** What others call them. */
const elsewhere: Readonly<Record<string, string>> = {
  acc: 'accuracy',
  categoricalAccuracy: 'accuracy',
  binaryAccuracy: 'accuracy',
  top: 'topK',
  topKCategoricalAccuracy: 'topK',
  fscore: 'f1',
  f1Score: 'f1',
  fMeasure: 'f1',
  sensitivity: 'recall',
  rocAuc: 'auc',
  auroc: 'auc',
  jaccard: 'iou',
  meanIoU: 'iou',
  ppl: 'perplexity',
  bitsPerCharacter: 'bitsPerToken',
  bpc: 'bitsPerToken',
  meanAbsoluteError: 'mae',
  meanSquaredError: 'mse',
  rootMeanSquaredError: 'rmse',
  rSquared: 'r2',
  r2Score: 'r2',
};

/**
 * The metric that was most likely meant by a name that is none, if one is near.
 *
 * @example
 * ```ts
 * import { nearestMetric } from '@espalier/metrics';
 * if (nearestMetric('acuracy') !== 'accuracy') throw new Error('unexpected');
 * ```
 */
export function nearestMetric(name: string): string | undefined {
  const key = name.replace(/[_\s-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
  const lower = key.toLowerCase();
  const names: readonly string[] = metricNames;
  return (
    names.find((one) => one.toLowerCase() === lower) ??
    Object.entries(elsewhere).find(([one]) => one.toLowerCase() === lower)?.[1] ??
    nearestName(name, names)
  );
}

/**
 * A metric by its name, its options, or a function.
 *
 * @throws EspalierError `unknown-name` with the nearest one, `unknown-option`, `invalid-option`
 *
 * @example
 * ```ts
 * import { metricOf } from '@espalier/metrics';
 * const names = [metricOf('top3'), metricOf({ name: 'f1', average: 'micro' })].map(({ name }) => name);
 * if (names.join() !== 'top3,f1(micro)') throw new Error(names.join());
 * ```
 */
export function metricOf(use: MetricUse): Metric {
  if (typeof use === 'function') return ownMetric(use);
  if (typeof use === 'object' && 'start' in use) return use;
  const { name, ...options } = typeof use === 'string' ? { name: use } : use;
  const [, k] = /^top([1-9]\d*)$/.exec(name) ?? [];
  if (k !== undefined) {
    checkOptions(name, options, []);
    return topK({ k: Number(k) });
  }
  if (Object.hasOwn(factories, name)) {
    if (!withOptions.has(name)) checkOptions(name, options, []);
    return factories[name](options as never);
  }
  const near = nearestMetric(String(name));
  throw new EspalierError('unknown-name', `There is no metric '${String(name)}'.`, {
    remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Known: ${metricNames.join(', ')}.`,
  });
}
