import type { JointFigure, JointFrame, MapFigure } from '@espalier/figures';
import { Canvas, GIFEncoder } from './canvas.js';
import { drawText } from './font.js';
import { countsOf, LEVELS, levelOf, marginals, mostOf } from './joint.js';
import { drawMap, mapPalette } from './map.js';

/** Colours of the light page: paper, six shades, before, after, means, ink. */
const palette: number[][] = [
  [255, 255, 255],
  ...Array.from({ length: LEVELS }, (_, i) => {
    const t = 0.2 + (0.8 * i) / (LEVELS - 1);
    return [255 - t * (255 - 44), 255 - t * (255 - 122), 255 - t * (255 - 75)].map(Math.round);
  }),
  [190, 196, 204],
  [143, 191, 160],
  [180, 105, 14],
  [60, 66, 61],
];
const [before, after, warm, ink] = [LEVELS + 1, LEVELS + 2, LEVELS + 3, LEVELS + 4];
const cell = 5;
const edge = 70;
const rim = 6;

function draw({ low, high, bins }: JointFigure, frame: JointFrame, most: number): Canvas {
  const size = bins * cell;
  const canvas = new Canvas(size + edge + 2 * rim, size + edge + 2 * rim);
  const [left, top] = [rim, edge];
  const counts = countsOf(frame, bins);
  const place = (value: number): number => top + size - ((value - low) / (high - low)) * size;
  for (const { mean } of frame.components) {
    const at = place(mean);
    if (at >= top && at < top + size) canvas.fill(left, at, size, 1, warm);
  }
  counts.forEach((count, at) => {
    const level = levelOf(count, most);
    if (level > 0)
      canvas.fill(
        left + (at % bins) * cell,
        top + size - (Math.floor(at / bins) + 1) * cell,
        cell,
        cell,
        level,
      );
  });
  const { x, y } = marginals(counts, bins);
  const [mostX, mostY] = [Math.max(1, ...x), Math.log1p(Math.max(1, ...y))];
  const room = edge - 22;
  x.forEach((value, i) => {
    const height = (room * value) / mostX;
    canvas.fill(left + i * cell, top - 4 - height, cell, height, before);
  });
  y.forEach((value, i) => {
    canvas.fill(
      left + size + 4,
      top + size - (i + 1) * cell,
      (room * Math.log1p(value)) / mostY,
      cell,
      after,
    );
  });
  for (const { mean, deviation } of frame.components) {
    const [upper, lower] = [place(mean + 2 * deviation), place(mean - 2 * deviation)];
    const from = Math.max(top, upper);
    const to = Math.min(top + size, Math.max(lower, upper + 1));
    if (to > from) canvas.fill(left + size + edge - 8, from, 5, to - from, warm);
  }
  canvas.fill(left, top + size, size, 1, ink);
  canvas.fill(left - 1, top, 1, size, ink);
  drawText(frame.label, (px, py) => canvas.fill(rim + 2 * px, 4 + 2 * py, 2, 2, ink));
  return canvas;
}

/**
 * A joint figure or a map as an animated GIF, a frame for each moment; the last one stays longer.
 *
 * @param delay - Milliseconds per frame. Default 250.
 * @returns The file's bytes.
 *
 * @example
 * ```ts
 * import { renderGif } from '@espalier/report';
 * const components = [{ mean: 0, deviation: 0.1, share: 1 }];
 * const gif = renderGif({
 *   kind: 'joint', title: 'moves', x: 'before', y: 'after', low: -1, high: 1, bins: 4,
 *   frames: [{ label: 'epoch 0', cells: [0, 7, 5, 9], components }],
 * });
 * if (String.fromCharCode(...gif.subarray(0, 6)) !== 'GIF89a') throw new Error('unexpected');
 * ```
 */
export function renderGif(figure: JointFigure | MapFigure, delay = 250): Uint8Array {
  const encoder = GIFEncoder();
  const most = figure.kind === 'joint' ? mostOf(figure) : 0;
  const colours = figure.kind === 'joint' ? palette : mapPalette;
  figure.frames.forEach((_, i) => {
    const canvas =
      figure.kind === 'joint' ? draw(figure, figure.frames[i], most) : drawMap(figure, figure.frames[i]);
    const last = i === figure.frames.length - 1;
    encoder.writeFrame(canvas.pixels, canvas.width, canvas.height, {
      delay: last ? 8 * delay : delay,
      ...(i === 0 && { palette: colours, repeat: 0 }),
    });
  });
  encoder.finish();
  return encoder.bytes();
}
