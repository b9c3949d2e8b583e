import { html, type Markup } from '../markup.js';
import { type Area, clip, type Mark, px, textWidth } from './frame.js';

/** A point in values, not pixels. */
export type Point = readonly [x: number, y: number];

/**
 * Leaves what can be seen of a long line: per pixel column its first, least, greatest and last point. A line of a
 * hundred thousand points costs no more than one of a thousand and looks the same.
 */
function thin(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let i = 0; i < points.length; ) {
    const column = Math.round(points[i][0]);
    let [end, least, greatest] = [i, i, i];
    for (; end < points.length && Math.round(points[end][0]) === column; end++) {
      if (points[end][1] < points[least][1]) least = end;
      if (points[end][1] > points[greatest][1]) greatest = end;
    }
    const chosen = new Set([i, least, greatest, end - 1]);
    kept.push(...[...chosen].sort((a, b) => a - b).map((at) => points[at]));
    i = end;
  }
  return kept;
}

/** A line through points in ascending x. A point whose y is not finite breaks it; a point between two breaks is a dot. */
export function line(points: readonly Point[], style: string): Mark {
  return ({ x, y }) => {
    const runs: Point[][] = [[]];
    for (const [at, value] of points) {
      if (Number.isFinite(value)) runs.at(-1)!.push([x.at(at), y.at(value)]);
      else runs.push([]);
    }
    return html`${runs.map((run) => {
      const pixels = thin(run).map(([a, b]) => `${px(a)} ${px(b)}`);
      if (pixels.length === 0) return false;
      if (pixels.length === 1)
        return html`<circle class="${style} dot" cx="${px(run[0][0])}" cy="${px(run[0][1])}" r="2.5"/>`;
      return html`<path class="${style}" d="M${pixels.join('L')}"/>`;
    })}`;
  };
}

/** The outline of a histogram, filled: `counts[i]` reaches from `edges[i]` to `edges[i + 1]`. Empty bins draw nothing. */
export function steps(edges: readonly number[], counts: readonly number[], style: string): Mark {
  return ({ x, y, bottom }) => {
    let path = '';
    let level: number = bottom;
    [...counts, 0].forEach((count, i) => {
      // On a logarithmic scale 0 has no place: it lies on the axis.
      const next = count > 0 ? Math.min(bottom, px(y.at(count))) : bottom;
      if (next === level) return;
      path += `${level === bottom ? `M${px(x.at(edges[i]))} ${bottom}` : `H${px(x.at(edges[i]))}`}V${next}`;
      level = next;
    });
    return html`<path class="${style}" d="${path}"/>`;
  };
}

/** A bar of a row, from one value of x to another. */
export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly style: string;
  /** To the left of it. */
  readonly label: string;
  /** In it, or to the right where it is too short. */
  readonly inside: string;
  /** Shown when the pointer rests on it. */
  readonly hint: string;
}

/** Horizontal bars, one per row of a band scale; a bar without length is a marker. */
export function bars(rows: readonly Bar[]): Mark {
  return (area) => {
    const { x, y, top, bottom } = area;
    const thickness = Math.min(20, ((bottom - top) / Math.max(1, rows.length)) * 0.62);
    return html`${rows.map(({ from, to, style, label, inside, hint }, row) => {
      const [a, b] = [x.at(Math.min(from, to)), x.at(Math.max(from, to))];
      const width = Math.max(3, b - a);
      const middle = y.at(row);
      const baseline = px(middle + 4);
      const fits = textWidth(inside) + 8 <= width;
      return html`<rect class="${style}" x="${px(a)}" y="${px(middle - thickness / 2)}" width="${px(width)}" height="${px(thickness)}" rx="2"><title>${hint}</title></rect>
<text class="value end" x="${px(a - 7)}" y="${baseline}">${label}</text>
<text class="${fits ? 'middle' : ''}" x="${px(fits ? a + width / 2 : a + width + 7)}" y="${baseline}">${inside}</text>`;
    })}`;
  };
}

/** Lines down from the end of one bar to the start of the next: they make a waterfall of bars. */
export function connectors(values: readonly number[]): Mark {
  return ({ x, y }) =>
    html`${values
      .slice(0, -1)
      .map(
        (value, row) =>
          html`<path class="connector" d="M${px(x.at(value))} ${px(y.at(row))}V${px(y.at(row + 1))}"/>`,
      )}`;
}

/** A stretch of x with a name. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/** Named stretches of x as bands behind the marks, every second one shaded; the names stand above the area. */
export function bands(stretches: readonly Stretch[]): Mark {
  return ({ x, top, bottom }: Area): Markup =>
    html`${stretches.map(({ from, to, name }, i) => {
      const [a, b] = [x.at(from), x.at(to)];
      const shade = i % 2 === 0 ? 'band' : 'band alternate';
      return html`<rect class="${shade}" x="${px(a)}" y="${top}" width="${px(b - a)}" height="${bottom - top}"><title>${name}</title></rect><text class="tick middle" x="${px((a + b) / 2)}" y="${top - 5}">${clip(name, b - a - 4)}</text>`;
    })}`;
}

/** Short strokes at values of x, below the axis: where a codebook's centroids are. */
export function rug(values: readonly number[], style: string): Mark {
  return ({ x, bottom }) =>
    html`<path class="${style}" d="${values.map((value) => `M${px(x.at(value))} ${bottom + 1}v5`).join('')}"/>`;
}

/** Lines up from the axis with a dot on top: how often each value is there. The one at 0 has a style of its own. */
export function stems(points: readonly Point[], style: string, zero: string): Mark {
  return ({ x, y, bottom }) => {
    const drawn = (list: readonly Point[], own: string): Markup | false => {
      const ends = list.map(([at, value]) => [px(x.at(at)), px(Math.min(bottom, y.at(value)))] as const);
      if (ends.length === 0) return false;
      // A line of no length with round ends is a dot.
      return html`<path class="${own} stem" d="${ends.map(([a, b]) => `M${a} ${bottom}V${b}`).join('')}"/><path class="${own} head" d="${ends.map(([a, b]) => `M${a} ${b}h0`).join('')}"/>`;
    };
    return html`${drawn(
      points.filter(([at]) => at !== 0),
      style,
    )}${drawn(
      points.filter(([at]) => at === 0),
      zero,
    )}`;
  };
}

/** Dots that rise from the first value, at the foot of the area, to the last, at its head; numbers beside it say so. */
export function ranks(values: readonly number[], style: string): Mark {
  return ({ x, top, bottom, right }) => {
    const step = (bottom - top) / Math.max(1, values.length);
    const dots = values.map((value, i) => `M${px(x.at(value))} ${px(bottom - (i + 0.5) * step)}h0`);
    return html`<path class="${style} head" d="${dots.join('')}"/><text class="tick" x="${right + 4}" y="${px(bottom - step / 2 + 4)}">1</text><text class="tick" x="${right + 4}" y="${px(top + step / 2 + 4)}">${values.length}</text>`;
  };
}
