import { html } from '../markup.js';
import type { Mark } from './frame.js';
import { px } from './frame.js';

/** Colours from faint to full. */
const SHADES = 6;

/**
 * A picture of cells that fills the area, in rows from the top: `shares` in [0, 1] become six shades, 0 nothing.
 * Neighbours in a row that look the same are one line, so that a picture of thousands of cells stays small.
 */
export function cells(width: number, height: number, shares: ArrayLike<number>): Mark {
  return ({ left, right, top, bottom }) => {
    const paths = new Array<string>(SHADES).fill('');
    const shade = (cell: number): number => Math.ceil(Math.min(1, shares[cell]) * SHADES);
    for (let row = 0; row < height; row++) {
      for (let from = 0; from < width; ) {
        const own = shade(row * width + from);
        let to = from + 1;
        while (to < width && shade(row * width + to) === own) to++;
        if (own > 0) paths[own - 1] += `M${from} ${row}h${to - from}`;
        from = to;
      }
    }
    const [across, down] = [(right - left) / width, (bottom - top) / height];
    const place = `translate(${left} ${px(top + down / 2)}) scale(${across.toFixed(4)} ${down.toFixed(4)})`;
    return html`<g class="cells" transform="${place}">${paths.map((path, i) => path !== '' && html`<path class="k${i + 1}" d="${path}"/>`)}</g>`;
  };
}
