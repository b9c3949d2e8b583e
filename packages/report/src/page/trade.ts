import { formatBytes } from '../format.js';
import { goalOf } from '../goal.js';
import { html, type Markup } from '../markup.js';
import { clip, plot } from '../plot/frame.js';
import { type Named, namedPoints } from '../plot/labels.js';
import { line } from '../plot/marks.js';
import { log } from '../plot/scale.js';
import type { Report } from '../schema.js';

/** The goal against bytes: the way through the stages, and where it began and ended. */
export function trade(report: Report): Markup | false {
  const { dense, compressed, stages } = report;
  const goal = goalOf(report);
  const of = goal.metric === 'accuracy' ? 'of' : `${goal.metric} on`;
  const hint = (name: string, bytes: number, value: number, data: string): string =>
    `${name}: ${formatBytes(bytes)}, ${goal.format(value)} ${of} the ${data}`;
  const point = (name: string, bytes: number, value: number, style: string, data: string): Named => ({
    x: bytes,
    y: value,
    name: clip(name, 140),
    style,
    hint: hint(name, bytes, value, data),
  });
  const way = stages.flatMap((stage) => {
    const { name, bytes } = stage;
    const value = goal.ofStage(stage);
    return bytes !== undefined && bytes > 0 && value != null
      ? [point(name, bytes, value, 's1', 'validation data')]
      : [];
  });
  const ends = (
    [
      ['dense, float32', dense],
      ['the file', compressed],
    ] as const
  ).flatMap(([name, figures]) => {
    const value = goal.ofModel(figures);
    return value == null ? [] : [point(name, figures.bytes, value, 's3', 'test data')];
  });
  const all = [...ends, ...way];
  if (all.length < 2) return false;
  const sizes = all.map(({ x }) => x);
  const shares = all.map(({ y }) => y);
  const range = Math.max(...shares) - Math.min(...shares);
  const room = goal.unit === 'share' ? Math.max(0.0005, range / 12) : range / 12;
  return html`<div class="card scroll">${plot({
    title: `${goal.title} against size`,
    width: 1040,
    height: 340,
    grid: 'both',
    margin: 24,
    x: {
      label: 'size (bytes, logarithmic)',
      scale: log(Math.min(...sizes) / 1.35, Math.max(...sizes) * 1.35, { unit: 'bytes' }),
    },
    y: {
      label: goal.label,
      scale: goal.scale(Math.min(...shares) - room, Math.max(...shares) + room),
    },
    legend: [
      ...(way.length > 0
        ? [{ label: 'after each stage, validation data', style: 's1', shape: 'dot' } as const]
        : []),
      ...(ends.length > 0 ? [{ label: 'test data', style: 's3', shape: 'dot' } as const] : []),
    ],
    marks: [
      line(
        way.map(({ x, y }) => [x, y] as const),
        's1 way',
      ),
      namedPoints(all),
    ],
  })}</div>`;
}
