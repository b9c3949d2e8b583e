import type { FigureComponent, JointFigure, JointFrame } from '@espalier/figures';
import { html, type Markup } from '../markup.js';
import { type Area, type Mark, plot, px } from '../plot/frame.js';
import { linear } from '../plot/scale.js';

/** Shades of the joint counts, on a logarithmic scale. */
export const LEVELS = 6;
const side = 64;

/** The counts of a frame, dense: one per cell, x + bins · y. */
export function countsOf({ cells }: JointFrame, bins: number): Uint32Array {
  const counts = new Uint32Array(bins * bins);
  for (let i = 0; i < cells.length; i += 2) counts[cells[i]] = cells[i + 1];
  return counts;
}

/** Sums over the other axis. */
export function marginals(counts: Uint32Array, bins: number): { x: Float64Array; y: Float64Array } {
  const x = new Float64Array(bins);
  const y = new Float64Array(bins);
  counts.forEach((count, at) => {
    x[at % bins] += count;
    y[Math.floor(at / bins)] += count;
  });
  return { x, y };
}

/** 0 for an empty cell, 1 … LEVELS for others. */
export function levelOf(count: number, most: number): number {
  if (count === 0) return 0;
  return 1 + Math.min(LEVELS - 1, Math.floor((LEVELS * Math.log1p(count - 1)) / Math.log1p(most)));
}

/** The joint counts as squares, one path per shade; neighbours of one shade are one rectangle. */
function squares(counts: Uint32Array, bins: number, most: number): Mark {
  return ({ left, right, top, bottom }) => {
    const paths = new Array<string>(LEVELS + 1).fill('');
    const [w, h] = [(right - left) / bins, (bottom - top) / bins];
    for (let y = 0; y < bins; y++) {
      for (let x = 0; x < bins; ) {
        const level = levelOf(counts[x + bins * y], most);
        let end = x + 1;
        while (end < bins && levelOf(counts[end + bins * y], most) === level) end++;
        if (level > 0) {
          const width = px((end - x) * w);
          paths[level] += `M${px(left + x * w)} ${px(bottom - (y + 1) * h)}h${width}v${px(h)}h-${width}z`;
        }
        x = end;
      }
    }
    return html`${paths.map((path, level) => path !== '' && html`<path class="q${level}" d="${path}"/>`)}`;
  };
}

/** The initial values' histogram above the area, linear. */
function above(values: Float64Array): Mark {
  return ({ left, right, top }) => {
    const most = Math.max(1, ...values);
    const w = (right - left) / values.length;
    let path = `M${left} ${top - 4}`;
    values.forEach((value, i) => {
      path += `V${px(top - 4 - (side - 10) * (value / most))}H${px(left + (i + 1) * w)}`;
    });
    return html`<path class="dense" d="${path}V${top - 4}z"/>`;
  };
}

/** The present values' histogram to the right of the area, logarithmic. */
function beside(values: Float64Array): Mark {
  return ({ right, top, bottom }) => {
    const most = Math.log1p(Math.max(1, ...values));
    const h = (bottom - top) / values.length;
    let path = `M${right + 4} ${bottom}`;
    values.forEach((value, i) => {
      path += `H${px(right + 4 + (side - 10) * (Math.log1p(value) / most))}V${px(bottom - (i + 1) * h)}`;
    });
    return html`<path class="compressed" d="${path}H${right + 4}z"/>`;
  };
}

/** A component's mean as a line across, its mean ± 2 deviations as a bar in the margin. */
function components(list: readonly FigureComponent[]): Mark {
  return ({ y, left, right, top, bottom }: Area) => {
    const clamp = (at: number): number => Math.max(top, Math.min(bottom, at));
    return html`${list.map(({ mean, deviation, share }) => {
      const at = y.at(mean);
      if (at < top || at > bottom) return false;
      const [high, low] = [clamp(y.at(mean + 2 * deviation)), clamp(y.at(mean - 2 * deviation))];
      return html`<g><title>mean ${mean}, deviation ${deviation}, share ${share}</title><path class="mean" d="M${left} ${px(at)}H${right}"/><path class="spread" d="M${right + side + 2} ${px(high)}V${px(Math.max(low, high + 1.5))}"/></g>`;
    })}`;
  };
}

/** One frame as SVG. `most` is the greatest count of all frames, so that shades can be compared. */
export function drawFrame(figure: JointFigure, frame: JointFrame, most: number): Markup {
  const counts = countsOf(frame, figure.bins);
  const { x, y } = marginals(counts, figure.bins);
  const axis = linear(figure.low, figure.high, { nice: false, ticks: 5 });
  return plot({
    title: frame.label,
    width: 480 + side,
    height: 480 + side,
    headroom: side,
    margin: side + 16,
    x: { label: figure.x, scale: axis },
    y: { label: figure.y, scale: axis },
    marks: [components(frame.components), squares(counts, figure.bins, most), above(x), beside(y)],
  });
}

/** The greatest count of any cell in any frame. */
export function mostOf({ frames }: JointFigure): number {
  let most = 1;
  for (const { cells } of frames) for (let i = 1; i < cells.length; i += 2) most = Math.max(most, cells[i]);
  return most;
}
