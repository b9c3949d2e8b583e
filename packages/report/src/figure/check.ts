import type {
  Figure,
  FigureComponent,
  GalleryFigure,
  HistogramFigure,
  JointFigure,
  JointFrame,
  MapFigure,
  MapFrame,
} from '@espalier/figures';
import { type Check, count, list, number, object, optional, ReportError, string } from '../check.js';

function kind(name: Figure['kind']): Check {
  return (value, path) => {
    if (value !== name) throw new ReportError(path, `${JSON.stringify(value)}; expected '${name}'.`);
  };
}

function range({ low, high }: { low: number; high: number }, path: string): void {
  if (!(high > low)) throw new ReportError(`${path}.high`, `${high}; expected more than low (${low}).`);
}

const joint = object<JointFigure>(
  {
    kind: kind('joint'),
    title: string,
    x: string,
    y: string,
    low: number(),
    high: number(),
    bins: count(1),
    frames: list(
      object<JointFrame>({
        label: string,
        cells: list(count()),
        components: list(
          object<FigureComponent>({ mean: number(), deviation: number(0), share: number(0, 1) }),
        ),
      }),
    ),
  },
  (figure, path) => {
    range(figure, path);
    figure.frames.forEach(({ cells }, i) => {
      if (cells.length % 2 !== 0 || cells.some((at, k) => k % 2 === 0 && at >= figure.bins ** 2)) {
        throw new ReportError(`${path}.frames[${i}].cells`, 'expected pairs of a place and a count.');
      }
    });
  },
);

const histograms = object<HistogramFigure>(
  {
    kind: kind('histograms'),
    title: string,
    x: string,
    of: optional(string),
    low: number(),
    high: number(),
    series: list(
      object<HistogramFigure['series'][number]>({ label: string, counts: list(count()), zeros: count() }),
    ),
  },
  range,
);

const mapFrame = object<MapFrame>(
  { label: string, width: count(1), height: count(1), cells: string },
  ({ width, height, cells }, path) => {
    if (cells.length !== 4 * Math.ceil((width * height) / 3)) {
      throw new ReportError(`${path}.cells`, `expected ${width * height} bytes in Base64.`);
    }
  },
);

const map = object<MapFigure>({
  kind: kind('map'),
  title: string,
  x: string,
  y: string,
  most: number(0),
  frames: list(mapFrame),
});

const gallery = object<GalleryFigure>({ kind: kind('gallery'), title: string, images: list(mapFrame) });

const kinds: Readonly<Record<string, Check>> = { joint, histograms, map, gallery };

/** Checks one figure. */
export const figure: Check = (value, path) => {
  const { kind: name } = (value ?? {}) as { kind?: unknown };
  (kinds[String(name)] ?? joint)(value, path);
};
