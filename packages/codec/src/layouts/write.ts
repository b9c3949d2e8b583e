import type { Writer } from '../bytes/writer.js';
import { USUAL_FLAGS, USUAL_ORDERS } from '../numbers.js';
import { flagsOf, writeBook } from './codebook/write.js';
import type { LevelsLayout } from './levels.js';
import type { Traversal } from './traversal/geometry.js';

/** Whether the small form can leave out how the levels are stored, for most are so. */
export function isUsual(
  { book, traversal, tuning }: Pick<LevelsLayout, 'book' | 'tuning'> & { traversal: Traversal },
  rank: number,
): boolean {
  const order = traversal.groups.flatMap((group, g) => group.map((axis) => axis | (g << 4)));
  return (
    traversal.foldAxis < 0 &&
    order.join() === USUAL_ORDERS[rank]?.join() &&
    flagsOf(book, tuning >> 8) === USUAL_FLAGS
  );
}

/** Counterpart of `readLevels`. */
export function writeLevels(
  out: Writer,
  { book, traversal, tuning }: LevelsLayout & { traversal: Traversal },
  itemBytes: number,
  small?: boolean,
  usual?: boolean,
): void {
  writeBook(out, book, itemBytes, tuning >> 8, small, usual);
  if (usual) {
    out.u8(tuning & 255);
    return;
  }
  out.u8(traversal.foldAxis + 1);
  if (traversal.foldAxis >= 0) out.varint(traversal.foldInner);
  traversal.groups.forEach((group, g) => {
    for (const axis of group) out.u8(axis | (g << 4));
  });
  out.u8(tuning & 255);
}
