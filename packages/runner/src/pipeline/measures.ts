import {
  type Better,
  EspalierError,
  type Evaluation,
  flatMetrics,
  type Goal,
  type Losses,
  type Metric,
  type Metrics,
  resolveLosses,
  resolveMetrics,
} from '@espalier/core';
import { accuracy, type MetricUse, metricOf, rmse } from '@espalier/metrics';
import type { MeasureReport } from '@espalier/report';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ownName } from '../recipe/check-measures.js';
import type { Recipe } from '../recipe/schema.js';

/** What a recipe says of how its models are measured. */
interface Asked {
  readonly metrics?: Recipe['metrics'] | undefined;
  readonly goal?: Recipe['goal'] | undefined;
}

/** What a recipe's models are measured by. */
export interface Measures {
  readonly loss: Losses | undefined;
  /** None where accuracy is all. */
  readonly metrics: Metrics | undefined;
  /** None where it is accuracy, as nobody said anything. */
  readonly goal: Required<Goal> | undefined;
  /** Whether accuracy means something: of all outputs, of some, of none. */
  readonly accuracy: 'all' | 'some' | 'none';
  /** How the metrics are shown, by name. */
  readonly shown: Readonly<Record<string, MeasureReport>>;
}

/** What an evaluation says, without what means nothing. */
export interface Score {
  readonly loss: number;
  readonly accuracy: number | undefined;
  readonly metrics: Readonly<Record<string, number>> | undefined;
  readonly perClass: Readonly<Record<string, readonly number[]>> | undefined;
}

function given(uses: Asked['metrics']): Metrics | undefined {
  if (uses === undefined) return undefined;
  const made = (list: readonly MetricUse[]): Metric[] => list.map(metricOf);
  if (Array.isArray(uses)) return made(uses as readonly MetricUse[]);
  return Object.fromEntries(Object.entries(uses).map(([output, list]) => [output, made(list)]));
}

const listsOf = (metrics: Metrics): readonly Metric[] =>
  Array.isArray(metrics) ? (metrics as readonly Metric[]) : Object.values(metrics).flat();

/** The metrics, and the goal's too where it is none of them. */
function withGoal(metrics: Metrics | undefined, goal: string | undefined): Metrics | undefined {
  if (goal === undefined) return metrics;
  const name = ownName(goal);
  const measured = metrics === undefined ? [] : listsOf(metrics);
  if (name === 'loss' || measured.some((metric) => metric.name === name)) return metrics;
  if (name === 'accuracy' && metrics === undefined) return undefined;
  const own = metricOf(name as MetricUse);
  if (metrics === undefined) return [own];
  if (Array.isArray(metrics)) return [...metrics, own];
  const output = goal.slice(0, -name.length - 1);
  const named = metrics as Readonly<Record<string, readonly Metric[]>>;
  return { ...named, [output]: [...(named[output] ?? []), own] };
}

function checkOutput(goal: string | undefined, { outputNames }: LayersModel): void {
  const output = goal?.includes('/') ? goal.slice(0, goal.lastIndexOf('/')) : undefined;
  if (output === undefined || (outputNames.length > 1 && outputNames.includes(output))) return;
  throw new EspalierError('unknown-name', `The goal is of '${output}', which is no output of several.`, {
    remedy: `The model's outputs: ${outputNames.join(', ')}.`,
  });
}

/**
 * What a model is measured by, as a recipe asks and the labels let it.
 *
 * @param loss - The recipe's, or what the labels ask for.
 * @throws EspalierError `invalid-option` for a metric that fits no output, `unknown-name`
 */
export function measuresOf(
  { metrics: uses, goal: wanted }: Asked,
  model: LayersModel,
  loss: Losses | undefined,
): Measures {
  const asked = typeof wanted === 'string' ? { metric: wanted } : wanted;
  checkOutput(asked?.metric, model);
  const losses = resolveLosses(loss ?? 'categoricalCrossentropy', model);
  const numbers = losses.each.filter(({ task }) => task === 'numbers').length;
  const means = numbers === 0 ? 'all' : numbers < losses.each.length ? 'some' : 'none';
  const usual = means === 'all' ? undefined : means === 'some' ? [accuracy(), rmse()] : [rmse()];
  const metrics = withGoal(given(uses) ?? usual, asked?.metric);
  if (metrics) resolveMetrics(metrics, model, losses);
  const named = new Map((metrics ? listsOf(metrics) : []).map((metric) => [metric.name, metric]));
  const metric = asked?.metric ?? (means === 'all' ? undefined : 'loss');
  const better = asked?.better ?? (metric === undefined ? undefined : betterOf(metric, named));
  const shown = Object.fromEntries(
    [...named].map(([name, { better: way, unit }]) => [
      name,
      { ...(way && { better: way }), ...(unit && { unit }) },
    ]),
  );
  return {
    loss,
    metrics,
    goal: metric !== undefined && better !== undefined ? { metric, better } : undefined,
    accuracy: means,
    shown,
  };
}

function betterOf(metric: string, named: ReadonlyMap<string, Metric>): Better {
  const name = ownName(metric);
  return name === 'loss' ? 'lower' : (named.get(name)?.better ?? 'higher');
}

/** What `evaluate` of core takes. */
export const evaluating = ({ loss, metrics }: Measures): { loss?: Losses; metrics?: Metrics } => ({
  ...(loss && { loss }),
  ...(metrics && { metrics }),
});

/** An evaluation without what means nothing. */
export function scoreOf(measures: Pick<Measures, 'accuracy'>, evaluation: Evaluation): Score {
  const { loss, accuracy: all, metrics, perClass } = evaluation;
  const flat = metrics && flatMetrics(evaluation);
  return {
    loss,
    accuracy:
      measures.accuracy === 'all' ? all : measures.accuracy === 'some' ? metrics?.accuracy : undefined,
    metrics: flat,
    perClass,
  };
}

/** How the goal is shown. */
export function shownAs({ goal, shown }: Pick<Measures, 'goal' | 'shown'>): {
  unit?: 'share' | 'dB' | 'bits';
} {
  const name = ownName(goal?.metric ?? 'accuracy');
  const unit = name === 'accuracy' ? 'share' : shown[name]?.unit;
  return unit ? { unit } : {};
}
