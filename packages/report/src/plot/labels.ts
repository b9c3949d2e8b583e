import { html } from '../markup.js';
import { type Mark, px, textWidth } from './frame.js';

/** A point with a name. */
export interface Named {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  readonly style: string;
  /** Shown when the pointer rests on it. */
  readonly hint: string;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const meet = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Where a name may stand beside its point, best first: right, left, above, below, and aslant. */
const places: readonly (readonly [dx: number, dy: number, align: 'start' | 'middle' | 'end'])[] = [
  [9, 4, 'start'],
  [-9, 4, 'end'],
  [0, -10, 'middle'],
  [0, 18, 'middle'],
  [8, -8, 'start'],
  [-8, -8, 'end'],
  [8, 16, 'start'],
  [-8, 16, 'end'],
];

/**
 * Points with their names, the first on top: so what matters most comes first. Points at one place share a name; a name that finds no free place among the others, the
 * points and the borders is left to the hint.
 */
export function namedPoints(points: readonly Named[]): Mark {
  return ({ x, y, left, right, top, bottom }) => {
    const groups: { at: number; level: number; names: string[]; hints: string[]; style: string }[] = [];
    for (const point of points) {
      const [at, level] = [x.at(point.x), y.at(point.y)];
      const same = groups.find(
        (g) => g.style === point.style && Math.abs(g.at - at) < 4 && Math.abs(g.level - level) < 4,
      );
      if (same) {
        same.names.push(point.name);
        same.hints.push(point.hint);
      } else groups.push({ at, level, names: [point.name], hints: [point.hint], style: point.style });
    }
    const taken: Box[] = groups.map(({ at, level }) => ({
      left: at - 5,
      right: at + 5,
      top: level - 5,
      bottom: level + 5,
    }));
    const drawn = groups.map(({ at, level, names, hints, style }) => {
      const name = names.join(', ');
      const width = textWidth(name) + 4;
      const found = places
        .map(([dx, dy, align]) => {
          const start = at + dx - (align === 'start' ? 0 : align === 'end' ? width : width / 2);
          const box = { left: start, right: start + width, top: level + dy - 11, bottom: level + dy + 3 };
          return { box, at: at + dx, y: level + dy, align };
        })
        .find(
          ({ box }) =>
            box.left >= left &&
            box.right <= right + 12 &&
            box.top >= top - 8 &&
            box.bottom <= bottom &&
            !taken.some((other) => meet(box, other)),
        );
      if (found) taken.push(found.box);
      return html`<path class="${style} point" d="M${px(at)} ${px(level)}h0"><title>${hints.join('; ')}</title></path>${
        found &&
        html`<text class="value halo ${found.align === 'start' ? '' : found.align}" x="${px(found.at)}" y="${px(found.y)}">${name}</text>`
      }`;
    });
    return html`${drawn.reverse()}`;
  };
}
