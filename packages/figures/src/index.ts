// What plugins show of their work: data, which a report draws.

/** One component of a mixture, as a picture shows it. */
export interface FigureComponent {
  readonly mean: number;
  /** Standard deviation. */
  readonly deviation: number;
  /** Its share, in (0, 1]. */
  readonly share: number;
}

/** One picture of {@link JointFigure}. */
export interface JointFrame {
  /** What the moment is called, e.g. `epoch 3`. */
  readonly label: string;
  /** Sparse counts: the place x + bins · y of a cell that is not empty, then its count, and so on. */
  readonly cells: readonly number[];
  readonly components: readonly FigureComponent[];
}

/**
 * How values moved: joint counts of (initial, present) pairs at several moments, with both histograms and, where
 * there is one, a mixture over the present values.
 */
export interface JointFigure {
  readonly kind: 'joint';
  readonly title: string;
  /** What is along x (the initial values) and along y (the present ones). */
  readonly x: string;
  readonly y: string;
  /** Both axes reach from `low` to `high`, in `bins` equal bins. */
  readonly low: number;
  readonly high: number;
  readonly bins: number;
  readonly frames: readonly JointFrame[];
}

/** Histograms of the same values at several moments, over the same bins. */
export interface HistogramFigure {
  readonly kind: 'histograms';
  readonly title: string;
  readonly x: string;
  /** What is counted. Default: weights. */
  readonly of?: string;
  readonly low: number;
  readonly high: number;
  readonly series: readonly {
    readonly label: string;
    /** Values per bin, those that are exactly 0 left out. */
    readonly counts: readonly number[];
    readonly zeros: number;
  }[];
}

/** One picture of numbers: a cell each, in rows from the top. */
export interface MapFrame {
  readonly label: string;
  readonly width: number;
  readonly height: number;
  /** `width · height` whole numbers from -127 to 127 as bytes in Base64: the share of `most` in 127ths. */
  readonly cells: string;
}

/** The same numbers at several moments, as maps: blue below 0, white at 0, red above. */
export interface MapFigure {
  readonly kind: 'map';
  readonly title: string;
  /** What is along x and y. */
  readonly x: string;
  readonly y: string;
  /** What a full colour stands for, > 0. */
  readonly most: number;
  readonly frames: readonly MapFrame[];
}

/** Small maps beside each other: what a network reads of its inputs, and examples of those. */
export interface GalleryFigure {
  readonly kind: 'gallery';
  readonly title: string;
  readonly images: readonly MapFrame[];
}

/** A picture that a plugin has made of its own work. */
export type Figure = JointFigure | HistogramFigure | MapFigure | GalleryFigure;

/** A ratio, and what it counts. */
export interface CountedRatio {
  readonly value: number;
  readonly counts: string;
}
