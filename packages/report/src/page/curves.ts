import { ABSENT, formatPercent, formatValue } from '../format.js';
import type { GoalView } from '../goal.js';
import { html, type Markup } from '../markup.js';
import { type Key, type Mark, plot } from '../plot/frame.js';
import { bands, line, type Point, type Stretch } from '../plot/marks.js';
import { linear, log, type ScaleSpec } from '../plot/scale.js';
import type { EpochReport } from '../schema.js';

type Column = 'loss' | 'validationLoss' | 'accuracy' | 'validationAccuracy' | 'sparsity' | 'learningRate';

interface Series {
  readonly of: (row: EpochReport) => number | null | undefined;
  readonly label: string;
  readonly style: string;
}

/** Which epochs belong to which stage: epoch i (from 1) ends at x = i. */
function stretches(metrics: readonly EpochReport[]): Stretch[] {
  const found: { from: number; to: number; name: string }[] = [];
  metrics.forEach(({ stage }, i) => {
    const last = found.at(-1);
    if (last?.name === stage) last.to = i + 1;
    else found.push({ from: i, to: i + 1, name: stage });
  });
  return found;
}

/** The least and the greatest of any number of values. */
function extent(values: readonly number[]): [low: number, high: number] {
  return values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

/** Losses and rates over several powers of ten are drawn on a logarithmic scale. */
function lossScale(values: readonly number[]): { scale: ScaleSpec; logarithmic: boolean } {
  const [low, high] = extent(values);
  const logarithmic = low > 0 && high / low > 30;
  // With room at both ends: a line along the frame is hardly seen.
  const room = (high / low) ** 0.04;
  return { scale: logarithmic ? log(low / room, high * room) : linear(Math.min(0, low), high), logarithmic };
}

/** Shares: with room to the next round percentage, not down to 0 unless they are. */
function shareScale(values: readonly number[]): { scale: ScaleSpec; logarithmic: boolean } {
  return { scale: linear(...extent(values), { unit: 'percent' }), logarithmic: false };
}

function curve(
  metrics: readonly EpochReport[],
  title: string,
  label: string,
  series: readonly Series[],
  scaleOf: (values: readonly number[]) => { scale: ScaleSpec; logarithmic: boolean },
): Markup | false {
  const drawn = series.filter(({ of }) => metrics.some((row) => of(row) != null));
  const values = drawn.flatMap(({ of }) => metrics.flatMap((row) => of(row) ?? []));
  if (values.length === 0) return false;
  const { scale, logarithmic } = scaleOf(values);
  const lines: Mark[] = drawn.map(({ of, style }) =>
    line(
      metrics.map((row, i): Point => [i + 1, of(row) ?? Number.NaN]),
      style,
    ),
  );
  return html`<div class="card">${plot({
    title,
    headroom: 14,
    x: { label: 'epoch', scale: linear(0, metrics.length, { integers: true, nice: false, ticks: 8 }) },
    y: { label: logarithmic ? `${label}, logarithmic` : label, scale },
    legend: drawn.length > 1 ? drawn.map(({ label: name, style }): Key => ({ label: name, style })) : [],
    marks: [bands(stretches(metrics)), ...lines],
  })}</div>`;
}

/** So many epochs are in the table; of more, some evenly over all. */
const MOST_ROWS = 200;

/** The curves as numbers. */
function table(metrics: readonly EpochReport[], goal: GoalView): Markup {
  const labelled = goal.metric === 'accuracy' || metrics.some((row) => row.validationAccuracy !== undefined);
  const own = goal.metric === 'accuracy' || goal.metric === 'loss' ? undefined : goal;
  const every = Math.ceil(metrics.length / MOST_ROWS);
  const shown = metrics.filter((_, i) => i % every === 0 || i === metrics.length - 1);
  const number = (value: number | undefined): string => (value === undefined ? ABSENT : formatValue(value));
  return html`<details class="card scroll"><summary>The curves as a table${every > 1 && `, every ${every}th epoch`}</summary>
<table><thead><tr><th>Stage</th><th class="n">Epoch</th><th class="n">Loss</th><th class="n">Validation loss</th>${labelled && html`<th class="n">Accuracy</th><th class="n">Validation accuracy</th>`}${own && html`<th class="n">Validation ${own.metric}</th>`}<th class="n">Sparsity</th><th class="n">Learning rate</th></tr></thead>
<tbody>${shown.map(
    (row) =>
      html`<tr><td>${row.stage}</td><td class="n">${row.epoch + 1}</td><td class="n">${number(row.loss)}</td><td class="n">${number(row.validationLoss)}</td>${labelled && html`<td class="n">${formatPercent(row.accuracy)}</td><td class="n">${formatPercent(row.validationAccuracy)}</td>`}${own && html`<td class="n">${own.format(own.ofEpoch(row))}</td>`}<td class="n">${formatPercent(row.sparsity, 1)}</td><td class="n">${number(row.learningRate)}</td></tr>`,
  )}</tbody></table></details>`;
}

/** Loss, accuracy, sparsity and learning rate by epoch, the stages as bands; nothing when there was no training. */
export function curves(metrics: readonly EpochReport[], goal: GoalView): Markup | false {
  if (metrics.length === 0) return false;
  const both = (train: Column, validation: Column): Series[] => [
    { of: (row) => row[train], label: 'training', style: 's2' },
    { of: (row) => row[validation], label: 'validation', style: 's1' },
  ];
  const alone = (key: Column, label: string, style: string): Series[] => [
    { of: (row) => row[key], label, style },
  ];
  // The loss has a picture of its own already.
  const own = goal.metric === 'accuracy' || goal.metric === 'loss' ? undefined : goal;
  const series: Series[] = own
    ? [{ of: own.ofEpoch, label: 'validation', style: 's1' }]
    : both('accuracy', 'validationAccuracy');
  return html`<section><h2>Training</h2><div class="grid2">
${curve(metrics, 'Loss', 'mean loss', both('loss', 'validationLoss'), lossScale)}
${curve(metrics, own?.title ?? 'Accuracy', own?.label ?? 'accuracy', series, own && own.unit !== 'share' ? lossScale : shareScale)}
${curve(metrics, 'Sparsity', 'weights that are 0', alone('sparsity', 'sparsity', 's3'), shareScale)}
${curve(metrics, 'Learning rate', 'learning rate', alone('learningRate', 'rate', 's4'), lossScale)}
</div>${table(metrics, goal)}</section>`;
}
