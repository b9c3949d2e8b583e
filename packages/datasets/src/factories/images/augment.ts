import type { Alter } from '../../cut.js';
import { checkOptions, DatasetError } from '../../errors.js';
import { shiftImages } from '../../gather.js';
import { generator } from '../../random.js';

/** Random changes of training pictures, drawn for each (seed, epoch, example). */
export interface AugmentOptions {
  /** Half of them are mirrored, left to right (or upside down, or both). */
  readonly flip?: 'horizontal' | 'vertical' | 'both';
  /** Moves by up to so many whole pixels on both axes; black moves in. */
  readonly shift?: number;
  /** A part of so large a share of each side, at least, is cut out and enlarged, in (0, 1]. */
  readonly crop?: number;
  /** Up to so much brighter or darker, of more or less contrast, of more or less colour, each a share in [0, 1]. */
  readonly jitter?: {
    readonly brightness?: number;
    readonly contrast?: number;
    readonly saturation?: number;
  };
}

const keys = ['flip', 'shift', 'crop', 'jitter'];
const shades = ['brightness', 'contrast', 'saturation'] as const;

function checkShare(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (value >= least && value <= 1)) return;
  throw new DatasetError('invalid-option', `images: augment.${name} is ${value}.`, {
    remedy: `Give a share in [${least}, 1].`,
  });
}

/** @throws DatasetError `unknown-option`, `invalid-option` */
export function checkAugment(options: AugmentOptions): void {
  checkOptions('images: augment', options, keys);
  const { flip, shift = 0, crop, jitter = {} } = options;
  checkOptions('images: augment.jitter', jitter, shades);
  if (flip !== undefined && !['horizontal', 'vertical', 'both'].includes(flip)) {
    throw new DatasetError('invalid-option', `images: augment.flip is '${flip}'.`, {
      remedy: 'Give horizontal, vertical or both.',
    });
  }
  if (!Number.isInteger(shift) || shift < 0) {
    throw new DatasetError('invalid-option', `images: augment.shift is ${shift}.`, {
      remedy: 'Give whole pixels, at least 0.',
    });
  }
  checkShare('crop', crop, 0.01);
  for (const name of shades) checkShare(`jitter.${name}`, jitter[name], 0);
}

type Shape = readonly number[];
type Draw = () => number;

/** Reads a picture at other places: `place` gives those of a pixel, between pixels too. */
function resample(
  image: Float32Array,
  source: Float32Array,
  [height, width, channels]: Shape,
  place: (y: number, x: number) => [number, number],
): void {
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [v, u] = place(y, x);
      const [y0, x0] = [Math.floor(v), Math.floor(u)];
      const [y1, x1] = [Math.min(height - 1, y0 + 1), Math.min(width - 1, x0 + 1)];
      const [b, a] = [v - y0, u - x0];
      for (let c = 0; c < channels; c++, out++) {
        const at = (row: number, column: number): number => source[(row * width + column) * channels + c];
        image[out] =
          (1 - b) * ((1 - a) * at(y0, x0) + a * at(y0, x1)) + b * ((1 - a) * at(y1, x0) + a * at(y1, x1));
      }
    }
  }
}

/** Mirrors, and enlarges a part. */
function move(image: Float32Array, shape: Shape, { flip, crop = 1 }: AugmentOptions, draw: Draw): void {
  const [height, width] = shape;
  const across = draw() < 0.5 && (flip === 'horizontal' || flip === 'both');
  const down = draw() < 0.5 && (flip === 'vertical' || flip === 'both');
  const side = crop + (1 - crop) * draw();
  const [top, left] = [draw() * (1 - side) * (height - 1), draw() * (1 - side) * (width - 1)];
  if (!across && !down && side === 1) return;
  resample(image, image.slice(), shape, (y, x) => [
    top + side * (down ? height - 1 - y : y),
    left + side * (across ? width - 1 - x : x),
  ]);
}

/** Brightness, contrast, colour, kept between black and white. */
function tint(
  image: Float32Array,
  [, , channels]: Shape,
  jitter: NonNullable<AugmentOptions['jitter']>,
  [black, white]: readonly [number, number],
  draw: Draw,
): void {
  const [light, contrast, colour] = shades.map((name) => (2 * draw() - 1) * (jitter[name] ?? 0));
  let mean = 0;
  for (const value of image) mean += value / image.length;
  for (let at = 0; at < image.length; at += channels) {
    let grey = 0;
    for (let c = 0; c < channels; c++) grey += image[at + c] / channels;
    for (let c = at; c < at + channels; c++) {
      const coloured = grey + (1 + colour) * (image[c] - grey);
      const shown = mean + (1 + contrast) * (coloured - mean) + light * (white - black);
      image[c] = Math.min(white, Math.max(black, shown));
    }
  }
}

/** Changes a batch of pictures, each by what is drawn for (seed, epoch, its place in the data set). */
export function augmenter(
  shape: Shape,
  options: AugmentOptions,
  range: readonly [number, number],
): (seed: number) => Alter {
  const stride = shape.reduce((a, b) => a * b, 1);
  const { shift = 0, jitter } = options;
  return (seed) => (values, chosen, epoch) => {
    for (let i = 0; i < chosen.length; i++) {
      const image = values.subarray(i * stride, (i + 1) * stride);
      const draw = generator(seed + 0x2b67, epoch, chosen[i]);
      move(image, shape, options, draw);
      if (jitter) tint(image, shape, jitter, range, draw);
    }
    if (shift > 0) {
      shiftImages(values, chosen, shape, { most: shift, background: range[0], seed: seed + 0x5f1f, epoch });
    }
  };
}
