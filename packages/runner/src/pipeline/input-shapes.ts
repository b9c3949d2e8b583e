import { type Shape, sameShape } from './label-shapes.js';

/**
 * Can an input take examples of this shape: as they are, or in another shape of as many numbers? Ids of a text may
 * also come as one-hot rows, as wide as its labels.
 */
export function fitsInput(shape: Shape, data: readonly number[], width: number | undefined): boolean {
  if (sameShape(shape, data) || (width !== undefined && sameShape(shape, [...data, width]))) return true;
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  return !shape.includes(null) && product(shape as readonly number[]) === product(data);
}
