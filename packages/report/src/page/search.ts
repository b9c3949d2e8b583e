import { formatBytes, formatCount, formatPercent } from '../format.js';
import { goalView } from '../goal.js';
import { html, type Markup } from '../markup.js';
import { type Mark, plot, px } from '../plot/frame.js';
import { linear, log } from '../plot/scale.js';
import type { GoalReport, MeasureReport } from '../schema.js';
import { shell } from './shell.js';

/** One trial of a search over the values of a recipe. */
export interface SearchTrial {
  readonly trial: number;
  readonly values: Readonly<Record<string, unknown>>;
  /** On the validation split: the error in [0, 1], or the goal of the recipe. */
  readonly error: number;
  readonly bytes: number;
  readonly best: boolean;
  /** It was trained for a share of the epochs only. */
  readonly partial: boolean;
  /** Why it failed, if it did. */
  readonly failed?: string;
}

function dots(trials: readonly SearchTrial[], shown: (value: number) => string): Mark {
  return ({ x, y }) =>
    html`${trials.map(({ trial, bytes, error, best, partial }) => {
      const style = best ? 's1' : partial ? 's2' : 's4';
      return html`<circle class="${style} dot" cx="${px(x.at(bytes))}" cy="${px(y.at(error))}" r="${best ? 6 : 4}"><title>trial ${trial}: ${shown(error)}, ${formatCount(bytes)} bytes</title></circle><text class="tick" x="${px(x.at(bytes) + 7)}" y="${px(y.at(error) - 6)}">${trial}</text>`;
    })}`;
}

/**
 * The trials of a search as one HTML page: error against bytes, and a table.
 *
 * @example
 * ```ts
 * import { renderSearch } from '@espalier/report';
 * const trial = { values: { tau: 0.1 }, error: 0.02, bytes: 9000, best: true, partial: false };
 * const page = renderSearch({ name: 'net', trials: [{ ...trial, trial: 0 }, { ...trial, trial: 1, bytes: 12000, best: false }] });
 * if (!page.includes('9.00 kB')) throw new Error('unexpected');
 * ```
 */
export function renderSearch(search: {
  readonly name: string;
  readonly trials: readonly SearchTrial[];
  /** What models are compared by, where it is not accuracy: then `error` is its value. */
  readonly goal?: GoalReport;
  readonly measures?: Readonly<Record<string, MeasureReport>>;
}): string {
  const { name, trials } = search;
  const goal = search.goal && goalView(search.goal, search.measures);
  const format = goal?.format ?? formatPercent;
  const shown = (value: number): string =>
    goal ? `${goal.metric} ${format(value)}` : `${format(value)} error`;
  const done = trials.filter(({ failed, bytes }) => failed === undefined && bytes > 0);
  const paths = [...new Set(trials.flatMap(({ values }) => Object.keys(values)))];
  const sizes = done.map(({ bytes }) => bytes);
  const errors = done.map(({ error }) => error);
  const picture =
    done.length > 0 &&
    plot({
      title: `${goal?.title ?? 'Error'} on the validation split against size`,
      width: 1040,
      height: 420,
      grid: 'both',
      x: {
        label: 'bytes of the file, log.',
        scale: log(Math.min(...sizes) / 1.1, Math.max(...sizes) * 1.1, { unit: 'bytes' }),
      },
      y: {
        label: goal?.label ?? 'error',
        scale: goal
          ? goal.scale(Math.min(...errors), Math.max(...errors))
          : linear(Math.min(...errors), Math.max(...errors), { unit: 'percent' }),
      },
      legend: [
        { label: 'best', style: 's1', shape: 'dot' },
        { label: 'trained to the end', style: 's4', shape: 'dot' },
        ...(done.some(({ partial }) => partial)
          ? [{ label: 'stopped after a share of the epochs', style: 's2', shape: 'dot' } as const]
          : []),
      ],
      marks: [dots(done, shown)],
    });
  const row = ({ trial, values, error, bytes, best, partial, failed }: SearchTrial): Markup =>
    html`<tr><td class="n" data-v="${trial}">${trial}${best && ' (best)'}</td>${paths.map((path) => html`<td class="name">${path in values ? JSON.stringify(values[path]) : '–'}</td>`)}<td class="n" data-v="${error}">${failed ?? format(error)}</td><td class="n" data-v="${bytes}">${formatBytes(bytes)}</td><td>${partial ? 'a share of its epochs' : 'all of its epochs'}</td></tr>`;
  return shell(
    `${name}: search`,
    html`<header><h1>${name}: search</h1></header>
<section><div class="card scroll">${picture}</div>
<div class="card scroll"><table class="sortable"><thead><tr><th class="n"><button>Trial</button></th>${paths.map((path) => html`<th><button>${path}</button></th>`)}<th class="n"><button>${goal?.title ?? 'Error'}</button></th><th class="n"><button>Size</button></th><th><button>Trained for</button></th></tr></thead>
<tbody>${trials.map(row)}</tbody></table></div></section>`,
  );
}
