import { formatBytes } from '../format.js';
import { html } from '../markup.js';
import { type Mark, plot, px } from '../plot/frame.js';
import { line, type Point } from '../plot/marks.js';
import { linear, log } from '../plot/scale.js';

/** A trial of a search, as its plots take it; `cost` is what is to be small: an error, a loss. */
export interface FrontTrial {
  readonly trial: number;
  readonly bytes: number;
  readonly cost: number;
  /** It was trained for a share of the epochs only. */
  readonly partial: boolean;
}

/**
 * Those that no other is better than, or as good and smaller: by size.
 *
 * @example
 * ```ts
 * import { drawFront, drawHypervolume, drawParallel, paretoFront } from '@espalier/report';
 * const trials = [[9000, 0.02], [8000, 0.04], [12000, 0.03]].map(([bytes, cost], trial) => {
 *   return { trial, bytes, cost, partial: false, values: { tau: 10 ** -trial } };
 * });
 * if (paretoFront(trials).map(({ trial }) => trial).join() !== '1,0') throw new Error('unexpected');
 * const view = { label: 'error', percent: true };
 * const drawn = [drawFront(trials, view), drawHypervolume(trials), drawParallel(trials, view)];
 * if (!drawn.every((svg) => svg.includes('<svg'))) throw new Error('unexpected');
 * ```
 */
export function paretoFront<T extends Pick<FrontTrial, 'bytes' | 'cost'>>(trials: readonly T[]): T[] {
  const bySize = [...trials].sort((a, b) => a.bytes - b.bytes || a.cost - b.cost);
  let least = Number.POSITIVE_INFINITY;
  return bySize.filter(({ cost }) => {
    if (!(cost < least)) return false;
    least = cost;
    return true;
  });
}

/** Room beyond the worst trial, so that each trial has a part of the area. */
const room = 1.05;

/**
 * The area that is better-known: of all sizes (on a logarithmic axis) and costs up to the worst trial's, the share that some trial
 * of the first n is as good as or better. One number for each n.
 *
 * Source: Zitzler and Thiele (1998), "Multiobjective optimization using evolutionary algorithms", PPSN V, section 3.
 *
 * @example
 * ```ts
 * import { hypervolumes } from '@espalier/report';
 * const [one, both] = hypervolumes([{ bytes: 1000, cost: 0.1 }, { bytes: 100, cost: 0.05 }]);
 * if (!(one > 0 && both > one && both <= 1)) throw new Error(`${one} ${both}`);
 * ```
 */
export function hypervolumes(trials: readonly Pick<FrontTrial, 'bytes' | 'cost'>[]): number[] {
  const sizes = trials.map(({ bytes }) => Math.log(bytes));
  const costs = trials.map(({ cost }) => cost);
  const [smallest, least] = [Math.min(...sizes), Math.min(...costs)];
  const wide = room * (Math.max(...sizes) - smallest) || 1;
  const high = room * (Math.max(...costs) - least) || 1;
  return trials.map((_, n) => {
    const front = paretoFront(trials.slice(0, n + 1));
    let area = 0;
    for (const [i, { bytes, cost }] of front.entries()) {
      const end = front[i + 1] ? Math.log(front[i + 1].bytes) : smallest + wide;
      area += ((end - Math.log(bytes)) / wide) * (1 - (cost - least) / high);
    }
    return area;
  });
}

function dots(
  trials: readonly FrontTrial[],
  front: readonly FrontTrial[],
  shown: (cost: number) => string,
): Mark {
  return ({ x, y }) =>
    html`${trials.map((one) => {
      const { trial, bytes, cost, partial } = one;
      const style = front.includes(one) ? 's1' : partial ? 's2' : 's4';
      return html`<circle class="${style} dot" cx="${px(x.at(bytes))}" cy="${px(y.at(cost))}" r="4"><title>trial ${trial}: ${shown(cost)}, ${formatBytes(bytes)}</title></circle><text class="tick" x="${px(x.at(bytes) + 6)}" y="${px(y.at(cost) - 5)}">${trial}</text>`;
    })}`;
}

/** How the plots of a search call and show what is to be small. */
export interface CostView {
  readonly label: string;
  readonly percent?: boolean;
}

const shownBy =
  ({ label, percent }: CostView) =>
  (cost: number): string =>
    percent ? `${label} ${(100 * cost).toFixed(2)} %` : `${label} ${cost.toPrecision(4)}`;

/** Cost against size, with the front drawn through, as SVG. */
export function drawFront(trials: readonly FrontTrial[], view: CostView): string {
  const front = paretoFront(trials);
  const sizes = trials.map(({ bytes }) => bytes);
  const costs = trials.map(({ cost }) => cost);
  const steps = front.flatMap(({ bytes, cost }, i): Point[] =>
    i === 0
      ? [[bytes, cost]]
      : [
          [bytes, front[i - 1].cost],
          [bytes, cost],
        ],
  );
  return plot({
    title: `${view.label} against size`,
    width: 520,
    height: 320,
    grid: 'both',
    margin: 24,
    x: {
      label: 'size (bytes, logarithmic)',
      scale: log(Math.min(...sizes) / 1.15, Math.max(...sizes) * 1.15, { unit: 'bytes' }),
    },
    y: {
      label: view.label,
      scale: linear(Math.min(...costs), Math.max(...costs), view.percent ? { unit: 'percent' } : {}),
    },
    legend: [
      { label: 'the front', style: 's1', shape: 'dot' },
      { label: 'others', style: 's4', shape: 'dot' },
      ...(trials.some(({ partial }) => partial)
        ? [{ label: 'a share of the epochs', style: 's2', shape: 'dot' } as const]
        : []),
    ],
    marks: [line(steps, 's1 way'), dots(trials, front, shownBy(view))],
  }).source;
}

/** The hypervolume after each trial, as SVG. */
export function drawHypervolume(trials: readonly FrontTrial[]): string {
  const values = hypervolumes(trials);
  return plot({
    title: 'Hypervolume',
    width: 520,
    height: 320,
    x: {
      label: 'trials that are done',
      scale: linear(1, Math.max(2, trials.length), { integers: true, nice: false }),
    },
    y: { label: 'share of the area', scale: linear(0, 1, { unit: 'percent' }) },
    marks: [
      line(
        values.map((value, i) => [i + 1, value] as const),
        's1',
      ),
    ],
  }).source;
}

/** A search's value of a trial by the path of what was searched. */
export interface ValuedTrial extends FrontTrial {
  readonly values: Readonly<Record<string, unknown>>;
}

interface Column {
  readonly name: string;
  readonly ends: readonly [string, string];
  /** 0 at the foot, 1 at the head. */
  readonly place: (trial: ValuedTrial) => number;
}

function columnOf(name: string, trials: readonly ValuedTrial[]): Column {
  const of = (trial: ValuedTrial): unknown => trial.values[name];
  const all = trials.map(of);
  if (all.every((value) => typeof value === 'number')) {
    return numbers(
      name,
      trials,
      (trial) => of(trial) as number,
      (value) => String(Number(value.toPrecision(3))),
    );
  }
  const kinds = [...new Set(all.map((value) => JSON.stringify(value)))].sort();
  return {
    name,
    ends: [kinds[0], kinds[kinds.length - 1]],
    place: (trial) => kinds.indexOf(JSON.stringify(of(trial))) / Math.max(1, kinds.length - 1),
  };
}

function numbers(
  name: string,
  trials: readonly ValuedTrial[],
  of: (trial: ValuedTrial) => number,
  show: (value: number) => string,
): Column {
  const all = trials.map(of);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  // What spans several tens is shown by its ratios.
  const ratios = low > 0 && high / low > 20;
  const at = (value: number): number => (ratios ? Math.log(value) : value);
  const span = at(high) - at(low) || 1;
  return { name, ends: [show(low), show(high)], place: (trial) => (at(of(trial)) - at(low)) / span };
}

/** Each trial as a line across its values, its size and its cost, as SVG: parallel coordinates. */
export function drawParallel(trials: readonly ValuedTrial[], view: CostView): string {
  const front = paretoFront(trials);
  const shown = shownBy(view);
  const paths = Object.keys(trials[0]?.values ?? {});
  const columns = [
    ...paths.map((path) => columnOf(path, trials)),
    numbers('size', trials, ({ bytes }) => bytes, formatBytes),
    numbers(
      view.label,
      trials,
      ({ cost }) => cost,
      (cost) => shown(cost).replace(`${view.label} `, ''),
    ),
  ];
  const [width, height, top, bottom, side] = [1040, 300, 44, 262, 90];
  const gap = (width - 2 * side) / Math.max(1, columns.length - 1);
  const x = (i: number): number => side + i * gap;
  const y = (place: number): number => bottom - place * (bottom - top);
  const sorted = [...trials].sort((a, b) => Number(front.includes(a)) - Number(front.includes(b)));
  const short = (name: string): string => name.split('.').slice(-2).join('.');
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="Values, size and ${view.label} of each trial">
${sorted.map((one) => html`<path class="${front.includes(one) ? 's1' : 's2'} parallel" d="M${columns.map((column, i) => `${px(x(i))} ${px(y(column.place(one)))}`).join('L')}"><title>trial ${one.trial}: ${shown(one.cost)}, ${formatBytes(one.bytes)}; ${paths.map((path) => `${path} ${JSON.stringify(one.values[path])}`).join(', ')}</title></path>`)}
${columns.map(({ name, ends: [low, high] }, i) => html`<path class="axis" d="M${px(x(i))} ${top}V${bottom}"/><text class="value middle" x="${px(x(i))}" y="${top - 26}">${short(name)}<title>${name}</title></text><text class="tick middle halo" x="${px(x(i))}" y="${top - 9}">${high}</text><text class="tick middle halo" x="${px(x(i))}" y="${bottom + 17}">${low}</text>`)}</svg>`
    .source;
}
