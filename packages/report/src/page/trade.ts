import { formatBytes, formatPercent } from '../format.js';
import { html, type Markup } from '../markup.js';
import { clip, plot } from '../plot/frame.js';
import { type Named, namedPoints } from '../plot/labels.js';
import { line } from '../plot/marks.js';
import { linear, log } from '../plot/scale.js';
import type { Report } from '../schema.js';

/** Accuracy against bytes: the way through the stages, and where it began and ended. */
export function trade({ dense, compressed, stages }: Report): Markup | false {
  const hint = (name: string, bytes: number, accuracy: number, data: string): string =>
    `${name}: ${formatBytes(bytes)}, ${formatPercent(accuracy)} of the ${data}`;
  const point = (name: string, bytes: number, accuracy: number, style: string, data: string): Named => ({
    x: bytes,
    y: accuracy,
    name: clip(name, 140),
    style,
    hint: hint(name, bytes, accuracy, data),
  });
  const way = stages.flatMap(({ name, bytes, accuracy }) =>
    bytes !== undefined && bytes > 0 && accuracy !== undefined
      ? [point(name, bytes, accuracy, 's1', 'validation data')]
      : [],
  );
  const ends = (
    [
      ['dense, float32', dense],
      ['the file', compressed],
    ] as const
  ).flatMap(([name, { bytes, accuracy }]) =>
    accuracy === null ? [] : [point(name, bytes, accuracy, 's3', 'test data')],
  );
  const all = [...ends, ...way];
  if (all.length < 2) return false;
  const sizes = all.map(({ x }) => x);
  const shares = all.map(({ y }) => y);
  const room = Math.max(0.0005, (Math.max(...shares) - Math.min(...shares)) / 12);
  return html`<div class="card scroll">${plot({
    title: 'Accuracy against size',
    width: 1040,
    height: 340,
    grid: 'both',
    margin: 24,
    x: {
      label: 'size (bytes, logarithmic)',
      scale: log(Math.min(...sizes) / 1.35, Math.max(...sizes) * 1.35, { unit: 'bytes' }),
    },
    y: {
      label: 'accuracy (%)',
      scale: linear(Math.max(0, Math.min(...shares) - room), Math.min(1, Math.max(...shares) + room), {
        unit: 'percent',
      }),
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
