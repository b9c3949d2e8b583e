import type { Writer } from '../bytes/writer.js';
import { flagsOf, writeBook } from './codebook/write.js';
import type { LevelsLayout } from './levels.js';
import type { Traversal } from './traversal/geometry.js';
import { USUAL } from './usual.js';

const codesOf = ({ groups }: Traversal): number[] =>
  groups.flatMap((group, g) => group.map((axis) => axis | (g << 4)));

/**
 * The first byte of a tensor in the small form that leaves out how its levels are stored, for most are so; none where these are not.
 *
 * @param last - The last size of the tensor before.
 */
export function usualByte(
  { book, traversal, tuning }: Pick<LevelsLayout, 'book' | 'tuning'> & { traversal: Traversal },
  shape: readonly number[],
  last: number,
): number | undefined {
  const { foldAxis, foldInner } = traversal;
  if (book.kind !== 'step' || flagsOf(book, (tuning >> 8) & 3) !== 0) return undefined;
  if (foldAxis > 0 || (foldAxis === 0 && foldInner !== last)) return undefined;
  const order = codesOf(traversal).join();
  const fitting = Object.keys(USUAL).filter((byte) => USUAL[+byte].join() === order);
  // The shortest form of a size that is that of the tensor before is none.
  return fitting
    .map(Number)
    .find((byte) => (byte === 14 ? shape.length === 1 && shape[0] === last : byte >> 4 === shape.length));
}

/** Counterpart of `readLevels`. */
export function writeLevels(
  out: Writer,
  { book, traversal, tuning }: LevelsLayout & { traversal: Traversal },
  itemBytes: number,
  small?: boolean,
  usual?: boolean,
): void {
  writeBook(out, book, itemBytes, (tuning >> 8) & 3, small, usual);
  if (usual) {
    out.u8(tuning & 255);
    return;
  }
  out.u8(traversal.foldAxis + 1);
  if (traversal.foldAxis >= 0) out.varint(traversal.foldInner);
  for (const code of codesOf(traversal)) out.u8(code);
  out.u8(tuning & 255);
}
