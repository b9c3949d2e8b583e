import { resolve } from 'node:path';
import { pictureKinds } from '@espalier/formats';
import { crewOf } from '../../crew.js';
import { type Scale, scaleTable } from '../../cut.js';
import { type DataSource, inMemory } from '../../data-source.js';
import { type DataPart, parts, type Shares } from '../../divide.js';
import { checkInteger, checkOptions, DatasetError } from '../../errors.js';
import type { Examples } from '../../examples.js';
import { fingerprintOf } from '../../fingerprint.js';
import type { FactoryContext } from '../built-in.js';
import type { Altering } from './alter.js';
import { type AugmentOptions, checkAugment } from './augment.js';
import { classFolders, partsOf } from './folders.js';
import { type Fit, readPictures } from './read.js';

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

/** What examples hold of pictures, whose bytes threads read. */
const elsewhere = new Uint8Array(0);

const known = ['images', 'size', 'channels', 'fit', 'scale', 'normalize', 'augment', 'validation', 'test'];

function checkNormalize(
  { mean, deviation }: NonNullable<ImagesOptions['normalize']>,
  channels: number,
): void {
  if (mean.length === channels && deviation.length === channels && deviation.every((d) => d > 0)) return;
  throw new DatasetError(
    'invalid-option',
    `images: normalize has means [${mean}] and deviations [${deviation}].`,
    { remedy: `Give ${channels} of each, deviations above 0: one for each channel.` },
  );
}

/**
 * A folder of pictures, the class of each that of its folder. They are decoded once, and kept as bytes, in memory or, where that is too
 * little, in a file that goes with the process; batches are prepared in
 * threads of their own, ahead of who takes them. Random changes depend on (seed, epoch, picture) alone, not on the threads.
 *
 * @throws DatasetError `not-found`; `bad-file` for an empty class, pictures of different sizes where none is asked for, a file that
 *   changes; `invalid-option`, `unknown-option`; EspalierError `bad-data` for a picture that cannot be read, with its name
 */
export async function fromImages(
  options: ImagesOptions,
  { seed = 0, folder = '.', workers, memory }: FactoryContext = {},
): Promise<DataSource> {
  checkOptions('images', options, known);
  const { channels = 3, fit = 'crop', scale = 'unit', normalize, augment } = options;
  if (augment) checkAugment(augment);
  if (normalize) checkNormalize(normalize, channels);
  if (workers !== undefined) checkInteger('images', 'workers', workers, 1);
  const crew = crewOf(workers);
  const { files, classes, others, ...found } = await classFolders(
    resolve(folder, options.images),
    pictureKinds,
  );
  const places = partsOf({ files, ...found }, { ...options, seed });
  const order = parts.flatMap((part) => places[part]);
  const placeOf = new Uint32Array(files.length);
  for (const [place, i] of order.entries()) placeOf[i] = place;
  const wanted = { size: options.size, channels, fit };
  const { size, store } = await readPictures(
    files.map(({ file }) => file),
    placeOf,
    wanted,
    crew,
    memory,
  );
  const shape = [...size, channels];
  const each = size[0] * size[1] * channels;
  const table = scaleTable(scale);
  const take = (part: DataPart): Examples => {
    const count = places[part].length;
    const labels = Int32Array.from(places[part], (i) => files[i].label);
    return {
      size: count,
      inputs: [{ shape, values: elsewhere }],
      labels: [{ shape: [], values: labels, classes }],
    };
  };
  const begins = {
    train: 0,
    validation: places.train.length,
    test: places.train.length + places.validation.length,
  };
  const taken = { train: take('train'), validation: take('validation'), test: take('test') };
  return inMemory({
    name: options.images,
    notes: [
      `${files.length} pictures of ${classes.length} classes, ${size[1]} x ${size[0]}`,
      ...('file' in store.place
        ? [`${store.size} bytes of them are kept in a file: they do not fit into memory`]
        : []),
      ...(others > 0 ? [`${others} files that are no pictures of a class were left out`] : []),
    ],
    encoding: { kind: 'images', classes, size, channels, scale, ...(normalize && { normalize }) },
    fingerprint: fingerprintOf(Object.values(taken), (i) => {
      const part = parts[i];
      const from = begins[part] * each;
      return store.pieces(from, from + taken[part].size * each);
    }),
    parts: taken,
    scale,
    prepared: {
      workers: crew.size,
      numbersOf: (part, seed, epoch, chosen) =>
        crew.do<Float32Array>('alter', {
          place: store.place,
          from: begins[part] * each,
          table,
          shape,
          chosen: chosen.slice(),
          augment: part === 'train' ? augment : undefined,
          normalize,
          range: [table[0], table[255]],
          seed,
          epoch,
        } satisfies Altering),
    },
  });
}
