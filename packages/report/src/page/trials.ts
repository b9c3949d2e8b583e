import { formatBytes } from '../format.js';
import { html } from '../markup.js';
import { type Mark, plot, px } from '../plot/frame.js';
import { linear, log } from '../plot/scale.js';

/** A file, or a trial on the way to one, by its size and quality. */
export interface SizedPoint {
  readonly bytes: number;
  /** In dB. */
  readonly quality: number;
  /** A trial is drawn small; a file large; the one that is chosen filled. */
  readonly as: 'trial' | 'file' | 'chosen';
}

function dots(points: readonly SizedPoint[]): Mark {
  return ({ x, y }) =>
    html`${points.map(({ bytes, quality, as }) => {
      const style = as === 'trial' ? 's2 dot' : as === 'file' ? 's1' : 's1 dot';
      return html`<circle class="${style}" cx="${px(x.at(bytes))}" cy="${px(y.at(quality))}" r="${as === 'trial' ? 3 : 6}"><title>${formatBytes(bytes)}, ${quality.toFixed(1)} dB</title></circle>`;
    })}`;
}

/**
 * Trials and files of a compression as a plot, SVG: size along x, quality along y.
 *
 * @example
 * ```ts
 * import { drawTrials } from '@espalier/report';
 * const svg = drawTrials([{ bytes: 33_000, quality: 45.2, as: 'chosen' }, { bytes: 31_000, quality: 44.1, as: 'trial' }]);
 * if (!svg.includes('33.0 kB, 45.2 dB')) throw new Error(svg);
 * ```
 */
export function drawTrials(points: readonly SizedPoint[]): string {
  const sizes = points.map(({ bytes }) => bytes);
  const qualities = points.map(({ quality }) => quality);
  return plot({
    title: 'Quality against size',
    width: 720,
    height: 300,
    grid: 'both',
    x: {
      label: 'size (bytes, logarithmic)',
      scale: log(Math.min(...sizes) / 1.2, Math.max(...sizes) * 1.2, { unit: 'bytes' }),
    },
    y: {
      label: 'quality (dB)',
      scale: linear(Math.min(...qualities) - 3, Math.max(...qualities) + 3, { ticks: 5 }),
    },
    legend: [
      { label: 'trials, sizes about', style: 's2', shape: 'dot' },
      { label: 'files', style: 's1', shape: 'dot' },
    ],
    marks: [dots(points)],
  }).source;
}
