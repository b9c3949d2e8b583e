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
  unknownName,
} from '@espalier/core';
import type { Described } from '@espalier/datasets';
import { accuracy, type MetricUse, metricOf, rmse } from '@espalier/metrics';
import type { MeasureReport } from '@espalier/report';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ownName } from '../recipe/check-measures.js';
import { metricOfClass, type NamedMetric, type OwnUse } from '../recipe/own-use.js';
import type { Recipe } from '../recipe/schema.js';
import type { MeasuredRecipe } from './own-measures.js';

/** What of the data a run's results are measured on. */
export const measuredParts = ['test', 'validation'] as const;
export type MeasuredPart = (typeof measuredParts)[number];

/** What a recipe says of how its models are measured. */
interface Asked {
  readonly metrics?: MeasuredRecipe['metrics'] | undefined;
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

type Uses = readonly Exclude<NamedMetric, OwnUse>[];

/** The number of a class by its name. @throws EspalierError `unknown-name` */
function numberOf(name: string, labels: readonly Described[]): number {
  const known = labels.flatMap(({ classes }) => (classes ? [classes] : []));
  const found = known.find((classes) => classes.includes(name));
  if (found) return found.indexOf(name);
  throw unknownName('class of the data', name, known.flat());
}

function given(uses: Asked['metrics'], labels: readonly Described[]): Metrics | undefined {
  if (uses === undefined) return undefined;
  const made = (list: Uses, of: readonly Described[]): Metric[] =>
    list.map((use) => metricOfClass(use, (name) => numberOf(name, of)));
  if (Array.isArray(uses)) return made(uses as Uses, labels);
  return Object.fromEntries(
    Object.entries(uses as Readonly<Record<string, Uses>>).map(([output, list]) => {
      const own = labels.filter(({ name }) => name === output);
      return [output, made(list, own.length > 0 ? own : labels)];
    }),
  );
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
  const output = goal === undefined ? '' : goal.slice(0, -ownName(goal).length).replace(/\/$/, '');
  if (output === '' || (outputNames.length > 1 && outputNames.includes(output))) return;
  throw new EspalierError('unknown-name', `The goal is of '${output}', which is no output of several.`, {
    remedy: `The model's outputs: ${outputNames.join(', ')}.`,
  });
}

/**
 * What a model is measured by, as a recipe asks and the labels let it.
 *
 * @param loss - The recipe's, or what the labels ask for.
 * @param labels - The data's: names of their classes.
 * @throws EspalierError `invalid-option` for a metric that fits no output, `unknown-name`
 */
export function measuresOf(
  { metrics: uses, goal: wanted }: Asked,
  model: LayersModel,
  loss: Losses | undefined,
  labels: readonly Described[] = [],
): Measures {
  const asked = typeof wanted === 'string' ? { metric: wanted } : wanted;
  checkOutput(asked?.metric, model);
  const losses = resolveLosses(loss ?? 'categoricalCrossentropy', model);
  const numbers = losses.each.filter(({ task }) => task === 'numbers').length;
  const means = numbers === 0 ? 'all' : numbers < losses.each.length ? 'some' : 'none';
  const usual = means === 'all' ? undefined : means === 'some' ? [accuracy(), rmse()] : [rmse()];
  const metrics = withGoal(given(uses, labels) ?? usual, asked?.metric);
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

/** What has a value for each class: by name, and of several outputs by `output/name`. */
export function flatPerClass({ perClass, outputs = {} }: Evaluation): Score['perClass'] {
  const each = Object.entries(outputs).flatMap(([output, one]) =>
    Object.entries(one.perClass ?? {}).map(([name, values]) => [`${output}/${name}`, values] as const),
  );
  return each.length > 0 ? Object.fromEntries(each) : perClass;
}

/** An evaluation without what means nothing. */
export function scoreOf(measures: Pick<Measures, 'accuracy'>, evaluation: Evaluation): Score {
  const { loss, accuracy: all, metrics } = evaluation;
  const perClass = flatPerClass(evaluation);
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
