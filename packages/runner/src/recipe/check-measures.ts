import {
  checkLoss,
  EspalierError,
  lossNames,
  type Metric,
  nearestLoss,
  nearestName,
  shown,
} from '@espalier/core';
import { type MetricUse, metricNames, metricOf, nearestMetric } from '@espalier/metrics';
import type { Problem } from '@espalier/yaml';
import { checkUse, isOwnUse, knownMetric, type NamedMetric } from './own-use.js';

type Path = readonly (string | number)[];

/** What somebody's check says of a value, as one sentence at its place. */
function told(path: Path, value: unknown, check: () => unknown): Problem[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof EspalierError)) throw error;
    return [{ path: [...path], message: `found ${shown(value)}: ${error.message.replace(/\n\s*/g, ' ')}` }];
  }
}

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function none(path: Path, value: unknown, wanted: string): Problem {
  return { path: [...path], message: `found ${shown(value)}: expected ${wanted}.` };
}

/** A name that is none of those there are. */
function noName(
  path: Path,
  value: unknown,
  names: readonly string[],
  nearest: (name: string) => string | undefined,
): Problem[] {
  const [name, at] = isTree(value) ? [value.name, [...path, 'name']] : [value, [...path]];
  if (typeof name !== 'string' || names.includes(name)) return [];
  const near = nearest(name);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  return [{ path: at, message: `found ${shown(name)}, expected ${names.join(' or ')}.${hint}` }];
}

/** All that is wrong with one loss. */
function ofLoss(value: unknown, path: Path): Problem[] {
  if (typeof value === 'function') return [];
  if (isOwnUse(value)) return checkUse(value, path, './loss.mjs#name');
  const unknown = noName(path, value, lossNames, nearestLoss);
  if (unknown.length > 0) return unknown;
  const named = typeof value === 'string' || (isTree(value) && typeof value.name === 'string');
  return named
    ? told(path, value, () => checkLoss(value as never))
    : [none(path, value, 'the name of a loss')];
}

/** All that is wrong with the losses of a recipe. */
export function checkLosses(value: unknown): Problem[] {
  const path = ['loss'];
  if (Array.isArray(value) && value.length > 0) return value.flatMap((one, i) => ofLoss(one, [...path, i]));
  if (isOwnUse(value)) return ofLoss(value, path);
  if (isTree(value) && typeof value.name !== 'string' && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([output, one]) => ofLoss(one, [...path, output]));
  }
  return ofLoss(value, path);
}

/** A metric, or what is wrong with it. */
function ofMetric(value: unknown, path: Path): Problem[] {
  if (isOwnUse(value)) return checkUse(value, path, './metric.mjs#name');
  const named =
    typeof value === 'string' || typeof value === 'function' || (isTree(value) && 'name' in value);
  if (!named) return [none(path, value, 'the name of a metric')];
  const name = isTree(value) ? value.name : value;
  const top = typeof name === 'string' && /^top[1-9]\d*$/.test(name);
  const unknown = top ? [] : noName(path, value, metricNames, nearestMetric);
  if (unknown.length > 0) return unknown;
  return told(path, value, () => knownMetric(value as NamedMetric));
}

/** All that is wrong with the metrics of a recipe. */
export function checkMetrics(value: unknown): Problem[] {
  const path = ['metrics'];
  if (Array.isArray(value) && value.length > 0) return value.flatMap((one, i) => ofMetric(one, [...path, i]));
  if (!isTree(value) || Object.keys(value).length === 0) {
    return [none(path, value, 'a list of metrics, such as [rmse, r2]')];
  }
  return Object.entries(value).flatMap(([output, list]) =>
    Array.isArray(list)
      ? list.flatMap((one, i) => ofMetric(one, [...path, output, i]))
      : [none([...path, output], list, 'a list of metrics')],
  );
}

/** The metrics that a recipe names, each once. */
export function metricsIn(value: unknown): Metric[] {
  const lists = Array.isArray(value) ? [value] : isTree(value) ? Object.values(value) : [];
  const all = lists.flat().map((one) => knownMetric(one as NamedMetric));
  return [...new Map(all.map((metric) => [metric.name, metric])).values()];
}

/** The name of a metric without its output; of one class its name is in parentheses, and may be any. */
export const ownName = (name: string): string => /[^/(]*(\([\s\S]*\))?$/.exec(name)?.[0] ?? name;

/** All that is wrong with the goal, where the metrics are right. */
export function checkGoal(goal: unknown, metrics: unknown): Problem[] {
  const metric = isTree(goal) ? goal.metric : goal;
  const path = isTree(goal) ? ['goal', 'metric'] : ['goal'];
  if (typeof metric !== 'string') return [];
  const name = ownName(metric);
  const measured = metricsIn(metrics);
  const found = measured.find((one) => one.name === name);
  if (found === undefined) {
    if (name === 'loss') return [];
    const problems = told(path, name, () => metricOf(name as MetricUse));
    if (problems.length === 0) return [];
    const known = ['loss', ...measured.map((one) => one.name), ...metricNames];
    const near =
      nearestName(
        name,
        measured.map((one) => one.name),
      ) ?? nearestMetric(name);
    const hint = near === undefined ? `Known: ${[...new Set(known)].join(', ')}.` : `Did you mean '${near}'?`;
    return [{ path, message: `there is no metric '${name}'. ${hint}` }];
  }
  const known = found.better ?? (isTree(goal) ? goal.better : undefined);
  if (known !== undefined) return [];
  const remedy = `Write { metric: ${metric}, better: higher }, or lower.`;
  return [{ path, message: `which values of '${name}' are better? ${remedy}` }];
}

/** All that is wrong with the metrics that a stage watches, where those of the recipe are right. */
export function checkWatched(stage: unknown, metrics: unknown, goal: unknown): Problem[] {
  const { earlyStopping, learningRate } = stage as Record<string, unknown>;
  const plateau = isTree(learningRate) ? learningRate.plateau : undefined;
  const aim = isTree(goal) ? goal.metric : goal;
  const own = [
    ...metricsIn(metrics).map(({ name }) => name),
    ...(typeof aim === 'string' ? [ownName(aim)] : []),
  ];
  const known = ['validationLoss', 'validationAccuracy', 'loss', ...own];
  const watched: [Path, unknown][] = [
    [['earlyStopping', 'metric'], isTree(earlyStopping) ? earlyStopping.metric : undefined],
    [['learningRate', 'plateau', 'metric'], isTree(plateau) ? plateau.metric : undefined],
  ];
  return watched.flatMap(([path, metric]) => {
    if (typeof metric !== 'string' || known.includes(ownName(metric))) return [];
    const near = nearestName(metric, known);
    const hint = near === undefined ? `Known: ${known.join(', ')}.` : `Did you mean '${near}'?`;
    return [{ path: [...path], message: `'${metric}' is not measured. ${hint}` }];
  });
}
