import { ABSENT, formatPercent, formatPoints, formatValue } from './format.js';
import { linear, type ScaleSpec } from './plot/scale.js';
import type { EpochReport, GoalReport, MeasureReport, ModelFigures, Report, StageReport } from './schema.js';

type Unit = MeasureReport['unit'];
type Value = number | null | undefined;

/**
 * A measurement as it is shown: a share as a percentage, decibels with two decimals, others with four digits.
 *
 * @example
 * ```ts
 * import { formatMeasure } from '@espalier/report';
 * const shown = [formatMeasure(0.9835, 'share'), formatMeasure(31.4159, 'dB'), formatMeasure(0.012345)];
 * if (shown.join() !== '98.35 %,31.42 dB,0.01235') throw new Error(shown.join());
 * ```
 */
export function formatMeasure(value: Value, unit?: Unit): string {
  if (value === null || value === undefined || Number.isNaN(value)) return ABSENT;
  if (unit === 'share') return formatPercent(value);
  if (unit === 'dB') return `${value.toFixed(2)} dB`;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return formatValue(value);
  return String(Number(value.toPrecision(4))).replaceAll('-', '\u2212');
}

/** How far a measurement has moved, with its sign. */
export function formatChange(from: Value, to: Value, unit?: Unit): string {
  if (from == null || to == null) return '';
  if (unit === 'share') return `${formatPoints(to - from)} points`;
  const text = formatMeasure(Math.abs(to - from), unit);
  return `${to === from ? '\u00b1' : to > from ? '+' : '\u2212'}${text}`;
}

/** What models are compared by: where it is found, and how it is shown. */
export interface GoalView {
  readonly metric: string;
  readonly better: GoalReport['better'];
  readonly unit: Unit;
  /** With a capital. */
  readonly title: string;
  /** For an axis. */
  readonly label: string;
  readonly ofModel: (figures: ModelFigures) => Value;
  readonly ofStage: (stage: StageReport) => Value;
  readonly ofEpoch: (epoch: EpochReport) => Value;
  readonly format: (value: Value) => string;
  readonly change: (from: Value, to: Value) => string;
  /** Shares as percentages, never below 0 or above 1. */
  readonly scale: (low: number, high: number) => ScaleSpec;
}

/** A metric by its name, of one output of several by `output/name`. */
export function unitOf(metric: string, measures: Report['measures'] = {}): Unit {
  if (metric === 'accuracy') return 'share';
  // The name of a class in it may have slashes of its own.
  const name = Object.keys(measures).find((one) => metric === one || metric.endsWith(`/${one}`));
  return name === undefined ? undefined : measures[name].unit;
}

/**
 * A goal as pages and tables show it.
 *
 * @example
 * ```ts
 * import { goalView, stageTable, unitOf } from '@espalier/report';
 * const measures = { psnr: { better: 'higher', unit: 'dB' } } as const;
 * if (unitOf('psnr', measures) !== 'dB') throw new Error('unexpected');
 * const goal = goalView({ metric: 'psnr', better: 'higher' }, measures);
 * if (goal.format(31.4159) !== '31.42 dB') throw new Error(goal.format(31.4159));
 * const table = stageTable([{ name: 'dense', kind: 'train', epochs: 3, seconds: 4, metrics: { psnr: 31.4159 } }], goal);
 * if (!table.includes('31.42 dB')) throw new Error(table);
 * ```
 */
export function goalView(
  { metric, better }: GoalReport = { metric: 'accuracy', better: 'higher' },
  measures: Report['measures'] = {},
): GoalView {
  const unit = unitOf(metric, measures);
  const share = unit === 'share';
  const own = metric === 'accuracy' || metric === 'loss' ? metric : undefined;
  const found = (metrics: Readonly<Record<string, number | null>> | undefined, other: Value): Value =>
    metrics?.[metric] ?? other;
  return {
    metric,
    better,
    unit,
    title: own === undefined ? metric : own === 'loss' ? 'Loss' : 'Accuracy',
    label: share || unit === undefined ? metric : `${metric} (${unit})`,
    ofModel: (figures) => found(figures.metrics, own && figures[own]),
    ofStage: (stage) => found(stage.metrics, own && stage[own]),
    ofEpoch: (epoch) =>
      found(epoch.validationMetrics, own === 'loss' ? epoch.validationLoss : own && epoch.validationAccuracy),
    format: (value) => formatMeasure(value, unit),
    change: (from, to) => formatChange(from, to, unit),
    scale: (low, high) =>
      share ? linear(Math.max(0, low), Math.min(1, high), { unit: 'percent' }) : linear(low, high),
  };
}

/** What the report compares models by. */
export function goalOf({ goal, measures }: Pick<Report, 'goal' | 'measures'>): GoalView {
  return goalView(goal, measures);
}

/** The metrics that were asked for, beside accuracy and loss, which have rows of their own. */
export function otherMetrics({ dense, compressed, measures }: Report): {
  readonly name: string;
  readonly dense: string;
  readonly compressed: string;
  readonly change: string;
}[] {
  const names = new Set([...Object.keys(dense.metrics ?? {}), ...Object.keys(compressed.metrics ?? {})]);
  names.delete('accuracy');
  return [...names].map((name) => {
    const unit = unitOf(name, measures);
    const [before, after] = [dense.metrics?.[name], compressed.metrics?.[name]];
    return {
      name,
      dense: formatMeasure(before, unit),
      compressed: formatMeasure(after, unit),
      change: formatChange(before, after, unit),
    };
  });
}
