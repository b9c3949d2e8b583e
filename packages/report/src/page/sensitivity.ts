import { csv } from '../csv.js';
import { formatPercent } from '../format.js';
import { goalView } from '../goal.js';
import { html, type Markup } from '../markup.js';
import { plot } from '../plot/frame.js';
import { line } from '../plot/marks.js';
import { linear } from '../plot/scale.js';
import type { GoalReport, MeasureReport } from '../schema.js';
import { shell } from './shell.js';

/** Accuracy of a model of which one tensor, or one group of tensors, is pruned. */
export interface SensitivityPageCurve {
  readonly name: string;
  /** Fractions in [0, 1], in ascending sparsity. */
  readonly points: readonly (SensitivityScore & { readonly sparsity: number })[];
}

/** What a pruned model scores. */
export interface SensitivityScore {
  readonly accuracy: number;
  readonly loss: number;
  /** The goal, where it is not accuracy. */
  readonly value?: number;
}

/**
 * A sensitivity analysis as CSV: rows `parameter,kind,sparsity,accuracy,loss`, the model as it came first.
 *
 * @example
 * ```ts
 * import { sensitivityCsv } from '@espalier/report';
 * const curves = [{ name: 'fc', points: [{ sparsity: 0.5, accuracy: 0.9, loss: 0.3 }] }];
 * const rows = sensitivityCsv({ kind: 'element', baseline: { accuracy: 1, loss: 0.1 }, curves }).split('\n');
 * if (rows[2] !== 'fc,element,0.5,0.9,0.3') throw new Error(rows[2]);
 * ```
 */
export function sensitivityCsv({
  kind,
  baseline,
  curves,
  goal,
}: {
  readonly kind: string;
  readonly baseline: SensitivityScore;
  readonly curves: readonly SensitivityPageCurve[];
  readonly goal?: GoalReport;
}): string {
  const value = (score: SensitivityScore): number => score.value ?? score.accuracy;
  const rows: (string | number)[][] = [['', kind, 0, value(baseline), baseline.loss]];
  for (const { name, points } of curves) {
    for (const point of points) rows.push([name, kind, point.sparsity, value(point), point.loss]);
  }
  const column = goal === undefined || goal.metric === 'loss' ? 'accuracy' : goal.metric;
  return csv([['parameter', 'kind', 'sparsity', column, 'loss'], ...rows]);
}

/** Hues around the circle, so that neighbours in the list differ; from the second round on the lines are dashed. */
const hues = [145, 25, 215, 320, 60, 270, 180, 0, 95, 240];

const PALETTE: string = hues
  .map((hue, i) => `.h${i}{stroke:hsl(${hue} 55% 45%);fill:hsl(${hue} 55% 45%)}`)
  .join('\n')
  .concat('\n.plot path[class^=h]{stroke-width:1.6;fill:none}.dashed{stroke-dasharray:5 3}');

const styleOf = (i: number): string => `h${i % hues.length}${i >= hues.length ? ' dashed' : ''}`;

/**
 * A sensitivity analysis as one HTML page: accuracy against sparsity for all tensors in one plot, and a table.
 *
 * @example
 * ```ts
 * import { renderSensitivity } from '@espalier/report';
 * const points = [{ sparsity: 0.5, accuracy: 0.9, loss: 0.3 }];
 * const page = renderSensitivity({
 *   name: 'net',
 *   kind: 'filter',
 *   baseline: { accuracy: 0.98, loss: 0.1 },
 *   curves: [{ name: 'conv1', points }],
 *   refused: [{ name: 'fc/kernel', reason: "they are the model's outputs" }],
 * });
 * if (!page.includes('conv1') || !page.includes('90.00 %')) throw new Error('unexpected');
 * ```
 */
export function renderSensitivity(analysis: {
  readonly name: string;
  readonly kind: string;
  readonly baseline: SensitivityScore;
  readonly curves: readonly SensitivityPageCurve[];
  /** What models are compared by, where it is not accuracy: then points have a value. */
  readonly goal?: GoalReport;
  readonly measures?: Readonly<Record<string, MeasureReport>>;
  readonly refused?: readonly { readonly name: string; readonly reason: string }[];
}): string {
  const { name, kind, baseline, curves, refused = [] } = analysis;
  const goal = goalView(analysis.goal, analysis.measures);
  const value = (score: SensitivityScore): number => (analysis.goal && score.value) ?? score.accuracy;
  const values = curves.flatMap(({ points }) => points.map(value));
  const picture = plot({
    title: `${goal.title} on held-out data, one tensor pruned at a time, without training`,
    width: 1040,
    height: 460,
    margin: 26,
    grid: 'both',
    x: { label: `sparsity (${kind})`, scale: linear(0, 1, { ticks: 10, unit: 'percent' }) },
    y: {
      label: goal.metric,
      scale: goal.scale(Math.min(value(baseline), ...values), Math.max(value(baseline), ...values)),
    },
    marks: curves.map(({ points }, i) =>
      line([[0, value(baseline)], ...points.map((p) => [p.sparsity, value(p)] as const)], styleOf(i)),
    ),
  });
  const key = (i: number): Markup =>
    html`<svg class="plot" style="display:inline-block;width:24px;height:8px;margin-right:8px" viewBox="0 0 24 8"><path class="${styleOf(i)}" d="M0 4h24"/></svg>`;
  const levels = [...new Set(curves.flatMap(({ points }) => points.map(({ sparsity }) => sparsity)))].sort(
    (a, b) => a - b,
  );
  const row = ({ name: title, points }: SensitivityPageCurve, i: number): Markup => {
    const at = new Map(points.map((point) => [point.sparsity, point]));
    return html`<tr><td class="name">${key(i)}${title}</td>${levels.map((level) => {
      const point = at.get(level);
      return point === undefined
        ? html`<td class="n"></td>`
        : html`<td class="n" data-v="${value(point)}" title="loss ${point.loss.toFixed(4)}">${goal.format(value(point))}</td>`;
    })}</tr>`;
  };
  return shell(
    `${name}: sensitivity`,
    html`<header><h1>${name}: sensitivity to ${kind} pruning</h1>
<p class="meta">As it came: ${goal.format(value(baseline))}${goal.metric !== 'loss' && html` ${goal.metric}`}, loss ${baseline.loss.toFixed(4)}</p></header>
<section><div class="card scroll">${picture}</div>
<div class="card scroll"><table class="sortable"><thead><tr><th><button>Tensor</button></th>${levels.map((level) => html`<th class="n"><button>${formatPercent(level)}</button></th>`)}</tr></thead>
<tbody>${curves.map(row)}</tbody></table></div>
${refused.length > 0 && html`<div class="card"><h3>Not pruned</h3><dl>${refused.map(({ name: title, reason }) => html`<dt>${title}</dt><dd>${reason}</dd>`)}</dl></div>`}</section>`,
    PALETTE,
  );
}
