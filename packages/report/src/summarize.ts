import { costRows } from './costs.js';
import {
  ABSENT,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatPoints,
  formatRatio,
  formatShape,
  formatWait,
} from './format.js';
import { formatChange, formatMeasure, type GoalView, goalOf, goalView, otherMetrics } from './goal.js';
import type { ModelFigures, Report, StageReport, TensorFigures } from './schema.js';
import { type Cell, formatTable } from './table.js';

const bits = ({ bitsPerCharacter }: ModelFigures): string => bitsPerCharacter?.toFixed(3) ?? ABSENT;

/** Dense beside compressed, with what changed. */
function figuresTable(report: Report): string {
  const { dense, compressed, ratio } = report;
  const row = (label: string, show: (figures: ModelFigures) => string, change: string): Cell[] => [
    label,
    show(dense),
    show(compressed),
    change,
  ];
  const labelled = dense.accuracy !== null || compressed.accuracy !== null || report.goal === undefined;
  const points =
    dense.accuracy === null || compressed.accuracy === null
      ? ''
      : `${formatPoints(compressed.accuracy - dense.accuracy)} points`;
  const loss = (value: number | undefined): string => formatMeasure(value);
  return formatTable(
    [
      ['', 'dense', 'compressed', ''],
      row('size', ({ bytes }) => formatBytes(bytes), `${formatRatio(ratio)} smaller`),
      ...(labelled
        ? [
            row('accuracy', ({ accuracy }) => formatPercent(accuracy), points),
            row('error', ({ error }) => formatPercent(error), ''),
          ]
        : []),
      ...otherMetrics(report).map((one) => [one.name, one.dense, one.compressed, one.change]),
      ...(report.goal === undefined
        ? []
        : [row('loss', (figures) => loss(figures.loss), formatChange(dense.loss, compressed.loss))]),
      ...(compressed.bitsPerCharacter === undefined ? [] : [row('bits per character', bits, '')]),
      row('weights', ({ parameters }) => formatCount(parameters), ''),
      row(
        'non-zero',
        ({ nonzero }) => formatCount(nonzero),
        formatPercent(compressed.nonzero / Math.max(1, dense.parameters)),
      ),
      ...costRows(report).map(({ label, dense: before, compressed: after, change }) => [
        label,
        before,
        after,
        change,
      ]),
    ],
    { align: 'lrrl' },
  );
}

/** Plain-text rows of the stages. */
export function stageTable(stages: readonly StageReport[], goal: GoalView = goalView()): string {
  const waits = stages.some(({ wait }) => wait !== undefined);
  return formatTable(
    [
      ['stage', 'kind', 'epochs', 'time', ...(waits ? ['data wait'] : []), goal.metric, 'non-zero', 'size'],
      ...stages.map((stage) => [
        stage.name,
        stage.kind,
        stage.epochs ?? ABSENT,
        formatDuration(stage.seconds),
        ...(waits ? [formatWait(stage)] : []),
        goal.format(goal.ofStage(stage)),
        stage.nonzero === undefined ? ABSENT : formatCount(stage.nonzero),
        stage.bytes === undefined ? ABSENT : `${stage.estimated ? '≈ ' : ''}${formatBytes(stage.bytes)}`,
      ]),
    ],
    { align: waits ? 'llrrrrrr' : 'llrrrrr' },
  );
}

/**
 * A row per tensor, and the total.
 *
 * @example
 * ```ts
 * import { tensorTable } from '@espalier/report';
 * const text = tensorTable([
 *   { name: 'dense/kernel', shape: [784, 300], parameters: 235200, nonzero: 11760, distinct: 17, bytes: 9800,
 *     bitsPerWeight: 1 / 3, codec: 'codebook' },
 * ]);
 * if (!text.includes('784 × 300') || !text.includes('5.0 %')) throw new Error(text);
 * ```
 */
export function tensorTable(tensors: readonly TensorFigures[]): string {
  const sum = (key: 'parameters' | 'nonzero' | 'bytes'): number =>
    tensors.reduce((total, t) => total + t[key], 0);
  const numbers = (parameters: number, nonzero: number): string[] => [
    formatCount(parameters),
    formatCount(nonzero),
    parameters === 0 ? ABSENT : formatPercent(nonzero / parameters, 1),
  ];
  const bits = (bytes: number, parameters: number): string =>
    parameters === 0 ? ABSENT : ((bytes * 8) / parameters).toFixed(2);
  const [parameters, nonzero, bytes] = [sum('parameters'), sum('nonzero'), sum('bytes')];
  return formatTable(
    [
      ['tensor', 'shape', 'weights', 'non-zero', 'density', 'distinct', 'bits/weight', 'bytes', 'codec'],
      ...tensors.map((tensor) => [
        tensor.name,
        formatShape(tensor.shape),
        ...numbers(tensor.parameters, tensor.nonzero),
        formatCount(tensor.distinct),
        tensor.bitsPerWeight.toFixed(2),
        formatCount(tensor.bytes),
        tensor.codec,
      ]),
      ['total', '', ...numbers(parameters, nonzero), '', bits(bytes, parameters), formatCount(bytes), ''],
    ],
    { align: 'llrrrrrrl' },
  );
}

/** A report in plain text, for a terminal: figures, stages, and the ratios as papers count them. */
export function summarize(report: Report): string {
  const { name, seed, environment, stages, paperRatios } = report;
  const seconds = stages.reduce((total, stage) => total + stage.seconds, 0);
  const where = `${environment.backend} backend, ${environment.cores} ${environment.cores === 1 ? 'core' : 'cores'}`;
  const unread = report.measuredOn === 'validation' ? ' · on the validation data, test set unread' : '';
  const parts = [
    // In a table of one cell, so that a name cannot steer the terminal.
    formatTable([[`${name} · seed ${seed} · ${where} · ${formatDuration(seconds)}${unread}`]]).split('\n')[0],
    figuresTable(report),
  ];
  if (stages.length > 0) parts.push(stageTable(stages, goalOf(report)));
  const ratios = Object.entries(paperRatios);
  if (ratios.length > 0) {
    const rows = ratios.map(([key, { value, counts }]) => [key, formatRatio(value), counts]);
    parts.push(formatTable([['ratio as papers count it', '', 'counts'], ...rows], { align: 'lrl' }));
  }
  return `${parts.join('\n\n')}\n`;
}
