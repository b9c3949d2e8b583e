import type { Writer } from '../bytes/writer.js';
import { writeBook } from './codebook/write.js';
import type { LevelsLayout } from './levels.js';
import type { Traversal } from './traversal/geometry.js';

/** Counterpart of `readLevels`. */
export function writeLevels(
  out: Writer,
  { book, traversal, tuning }: LevelsLayout & { traversal: Traversal },
  itemBytes: number,
  small?: boolean,
): void {
  writeBook(out, book, itemBytes, tuning >> 8, small);
  out.u8(traversal.foldAxis + 1);
  if (traversal.foldAxis >= 0) out.varint(traversal.foldInner);
  traversal.groups.forEach((group, g) => {
    for (const axis of group) out.u8(axis | (g << 4));
  });
  out.u8(tuning & 255);
}
