import { checkOptions, DatasetError } from '../../errors.js';

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
