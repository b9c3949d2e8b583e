import { html } from '../markup.js';
import type { Mark } from './frame.js';
import { px } from './frame.js';

/** A violin: how values are spread, about a column's middle. */
export interface Violin {
  readonly name: string;
  /** Values, ascending, and the density at each as a share of the highest. */
  readonly at: readonly number[];
  readonly shares: readonly number[];
  readonly mean: number;
  readonly median: number;
  /** Shown when the pointer rests on it. */
  readonly hint: string;
}

/** Violins side by side, each as wide as its column: the extremes and the median as short lines, the mean as a dot. */
export function violins(list: readonly Violin[]): Mark {
  return ({ x, y, left, right }) => {
    const half = Math.min(34, (0.42 * (right - left)) / Math.max(1, list.length));
    return html`${list.map(({ name, at, shares, mean, median, hint }, column) => {
      const middle = x.at(column);
      const side = (sign: number): string[] =>
        at.map((value, i) => `${px(middle + sign * half * shares[i])} ${px(y.at(value))}`);
      const outline = `M${side(1).join('L')}L${side(-1).reverse().join('L')}Z`;
      const stroke = (value: number, width: number): string =>
        `M${px(middle - width)} ${px(y.at(value))}h${px(2 * width)}`;
      const ends = [at[0], at[at.length - 1]].map((value) => stroke(value, half / 3)).join('');
      return html`<g><title>${name}: ${hint}</title><path class="compressed" d="${outline}"/><path class="s1" d="${ends}${stroke(median, half / 2)}"/><circle class="s3 dot" cx="${px(middle)}" cy="${px(y.at(mean))}" r="2.5"/></g>`;
    })}`;
  };
}
