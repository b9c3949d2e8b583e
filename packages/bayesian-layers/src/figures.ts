import type { MapFrame } from '@espalier/core';

/** A matrix, row by row. */
export interface Matrix {
  readonly width: number;
  readonly height: number;
  readonly values: ArrayLike<number>;
}

/** A matrix of at most so many cells: of each block of cells, the number that is farthest from 0. */
export function shrink({ width, height, values }: Matrix, most: readonly [number, number]): Matrix {
  const [across, down] = [Math.ceil(width / most[0]), Math.ceil(height / most[1])];
  if (across === 1 && down === 1) return { width, height, values };
  const small = { width: Math.ceil(width / across), height: Math.ceil(height / down) };
  const blocks = new Float32Array(small.width * small.height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = Math.floor(y / down) * small.width + Math.floor(x / across);
      const value = values[y * width + x];
      if (Math.abs(value) > Math.abs(blocks[at])) blocks[at] = value;
    }
  }
  return { ...small, values: blocks };
}

/** A map of a matrix; numbers beyond `most` are drawn as there. */
export function mapFrame(label: string, { width, height, values }: Matrix, most: number): MapFrame {
  let bytes = '';
  for (let i = 0; i < width * height; i++) {
    const share = Math.max(-1, Math.min(1, values[i] / most));
    bytes += String.fromCharCode(Math.round(127 * share) & 255);
  }
  return { label, width, height, cells: btoa(bytes) };
}

/** Counts of numbers in `bins` equal bins; what lies beyond counts in the outermost. */
export function binned(values: ArrayLike<number>, low: number, high: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor(((values[i] - low) / (high - low)) * bins);
    counts[Math.max(0, Math.min(bins - 1, bin))]++;
  }
  return counts;
}
