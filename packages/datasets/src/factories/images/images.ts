import { resolve } from 'node:path';
import { type DecodedPicture, readPicture } from '@espalier/formats';
import { type Alter, type Scale, scaleTable } from '../../cut.js';
import { type DataSource, inMemory } from '../../data-source.js';
import { type DataPart, divide, type Shares } from '../../divide.js';
import { checkInteger, checkOptions, DatasetError } from '../../errors.js';
import type { Examples } from '../../examples.js';
import { fingerprintOf } from '../../fingerprint.js';
import { steadily } from '../../steady.js';
import type { FactoryContext } from '../built-in.js';
import { type AugmentOptions, augmenter, checkAugment } from './augment.js';
import { type Classes, classFolders, type Labelled } from './folders.js';
import { type Fit, resize } from './resize.js';

/** Options of {@link fromImages}. */
export interface ImagesOptions extends Omit<Shares, 'seed'> {
  /** A folder with a folder of pictures for each class; or with these in `train`, `val` and `test`. */
  readonly images: string;
  /** Side, or [height, width], in pixels. Default: that of the pictures, where it is the same for all. */
  readonly size?: number | readonly [number, number];
  /** Default 3. */
  readonly channels?: 1 | 3;
  /** How pictures of another shape are fitted: the middle is cut out (default), or they are squeezed. */
  readonly fit?: Fit;
  readonly scale?: Scale;
  /** (value - mean) / deviation of each channel, after `scale`. */
  readonly normalize?: { readonly mean: readonly number[]; readonly deviation: readonly number[] };
  readonly augment?: AugmentOptions;
}

const known = ['images', 'size', 'channels', 'fit', 'scale', 'normalize', 'augment', 'validation', 'test'];
const kinds = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp'];
/** Most bytes of pictures in memory. */
const most = 2 ** 31 - 1;

function normalizer({ mean, deviation }: NonNullable<ImagesOptions['normalize']>, channels: number): Alter {
  if (mean.length !== channels || deviation.length !== channels || deviation.some((d) => !(d > 0))) {
    throw new DatasetError(
      'invalid-option',
      `images: normalize has means [${mean}] and deviations [${deviation}].`,
      {
        remedy: `Give ${channels} of each, deviations above 0: one for each channel.`,
      },
    );
  }
  return (values) => {
    for (let i = 0; i < values.length; i++)
      values[i] = (values[i] - mean[i % channels]) / deviation[i % channels];
  };
}

/** Reads all pictures at one size, as bytes one after the other. */
async function readAll(
  files: readonly Labelled[],
  options: ImagesOptions,
): Promise<{ size: readonly [number, number]; bytes: Uint8Array }> {
  const { channels = 3, fit = 'crop' } = options;
  let size: readonly [number, number] | undefined =
    typeof options.size === 'number' ? [options.size, options.size] : options.size;
  for (const side of size ?? []) checkInteger('images', 'size', side, 1);
  let bytes: Uint8Array | undefined;
  for (const [i, { file }] of files.entries()) {
    const picture: DecodedPicture = await steadily(file, readPicture);
    if (size === undefined) size = [picture.height, picture.width];
    else if (options.size === undefined && (picture.height !== size[0] || picture.width !== size[1])) {
      throw new DatasetError(
        'bad-file',
        `${file} has ${picture.width} x ${picture.height} pixels, ${files[0].file} ${size[1]} x ${size[0]}.`,
        { remedy: 'Say at which size the pictures are wanted: size: 96.' },
      );
    }
    const each = size[0] * size[1] * channels;
    if (each * files.length > most) {
      throw new DatasetError(
        'invalid-option',
        `${files.length} pictures of ${size[1]} x ${size[0]} do not fit into memory.`,
        {
          remedy: 'Ask for a smaller size, or bring batches yourself: use.',
        },
      );
    }
    bytes ??= new Uint8Array(each * files.length);
    bytes.set(resize(picture, size, channels, fit), i * each);
  }
  return { size: size!, bytes: bytes! };
}

/** The parts as places in the list of files: the folder's own, where it has all three, and else drawn from those for training. */
function partsOf({ files, parts }: Classes, shares: Shares): Record<DataPart, readonly number[]> {
  if (parts === undefined)
    return divide(
      files.length,
      shares,
      files.map(({ label }) => label),
    );
  const place = new Map(files.map(({ file }, i) => [file, i]));
  const placesOf = (part: DataPart): number[] => parts[part].map(({ file }) => place.get(file)!);
  const own = { validation: placesOf('validation'), test: placesOf('test') };
  const train = placesOf('train');
  const drawn = divide(
    train.length,
    {
      ...shares,
      ...(own.validation.length > 0 && { validation: 0 }),
      ...(own.test.length > 0 && { test: 0 }),
    },
    train.map((i) => files[i].label),
  );
  const from = (part: DataPart): number[] => drawn[part].map((i) => train[i]);
  return {
    train: from('train'),
    validation: own.validation.length > 0 ? own.validation : from('validation'),
    test: own.test.length > 0 ? own.test : from('test'),
  };
}

/**
 * A folder of pictures, the class of each that of its folder. They are decoded once, in a worker thread, and kept as bytes;
 * random changes depend on (seed, epoch, picture) alone.
 *
 * @throws DatasetError `not-found`; `bad-file` for an empty class, pictures of different sizes where none is asked for, a file that
 *   changes; `invalid-option`, `unknown-option`; EspalierError `bad-data` for a picture that cannot be read, with its name
 */
export async function fromImages(
  options: ImagesOptions,
  { seed = 0, folder = '.' }: FactoryContext = {},
): Promise<DataSource> {
  checkOptions('images', options, known);
  const { channels = 3, scale = 'unit', normalize, augment } = options;
  if (augment) checkAugment(augment);
  const finish = normalize && normalizer(normalize, channels);
  const found = await classFolders(resolve(folder, options.images), kinds);
  const { size, bytes } = await readAll(found.files, options);
  const shape = [...size, channels];
  const each = size[0] * size[1] * channels;
  const take = (places: readonly number[]): Examples => {
    const values = new Uint8Array(places.length * each);
    for (const [i, place] of places.entries())
      values.set(bytes.subarray(place * each, (place + 1) * each), i * each);
    const labels = Int32Array.from(places, (place) => found.files[place].label);
    return {
      size: places.length,
      inputs: [{ shape, values }],
      labels: [{ shape: [], values: labels, classes: found.classes }],
    };
  };
  const places = partsOf(found, { ...options, seed });
  const parts = { train: take(places.train), validation: take(places.validation), test: take(places.test) };
  const table = scaleTable(scale);
  const { others } = found;
  return inMemory({
    name: options.images,
    notes: [
      `${found.files.length} pictures of ${found.classes.length} classes, ${size[1]} x ${size[0]}`,
      ...(others > 0 ? [`${others} files that are no pictures of a class were left out`] : []),
    ],
    encoding: {
      kind: 'images',
      classes: found.classes,
      size,
      channels,
      scale,
      ...(normalize && { normalize }),
    },
    fingerprint: fingerprintOf(Object.values(parts)),
    parts,
    scale,
    finish,
    augment: augment && augmenter(shape, augment, [table[0], table[255]]),
  });
}
