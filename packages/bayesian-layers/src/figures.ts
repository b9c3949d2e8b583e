/** One map of numbers; `@espalier/report` draws it. */
export interface MapFrame {
  readonly label: string;
  readonly width: number;
  readonly height: number;
  /** `width · height` whole numbers from -127 to 127 as bytes in Base64, row by row. */
  readonly cells: string;
}

/** The same numbers at several moments, as maps from blue by white to red. */
export interface MapFigure {
  readonly kind: 'map';
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** What a full colour stands for. */
  readonly most: number;
  readonly frames: readonly MapFrame[];
}

/** Maps beside each other. */
export interface GalleryFigure {
  readonly kind: 'gallery';
  readonly title: string;
  readonly images: readonly MapFrame[];
}

/** Histograms of the same numbers at several moments, over the same bins. */
export interface HistogramFigure {
  readonly kind: 'histograms';
  readonly title: string;
  readonly x: string;
  readonly of: string;
  readonly low: number;
  readonly high: number;
  readonly series: readonly {
    readonly label: string;
    readonly counts: readonly number[];
    readonly zeros: number;
  }[];
}

export type Figure = MapFigure | GalleryFigure | HistogramFigure;

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
