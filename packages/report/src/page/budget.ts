import type { Markup } from '../markup.js';

/**
 * Draws the largest of a list until their markup fills a budget of bytes, so that a page stays under 2 MB whatever it
 * shows.
 *
 * @returns What was drawn, in the list's order, and how many were left out.
 */
export function within<T>(
  bytes: number,
  list: readonly T[],
  sizeOf: (one: T) => number,
  draw: (one: T) => Markup,
): { drawn: Markup[]; left: number } {
  const order = list.map((_, i) => i).sort((a, b) => sizeOf(list[b]) - sizeOf(list[a]));
  const drawn = new Array<Markup | undefined>(list.length);
  let room = bytes;
  for (const i of order) {
    const markup = draw(list[i]);
    room -= markup.source.length;
    if (room < 0) break;
    drawn[i] = markup;
  }
  const kept = drawn.filter((markup) => markup !== undefined);
  return { drawn: kept, left: list.length - kept.length };
}
