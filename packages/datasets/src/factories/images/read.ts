import { type DecodedPicture, readPicture } from '@espalier/formats';
import { ahead } from '../../ahead.js';
import type { Crew } from '../../crew.js';
import { checkInteger, DatasetError } from '../../errors.js';
import { steadily } from '../../steady.js';
import { openStore, type Store } from './store.js';

/** How a picture becomes one of another shape: its middle is cut out, or it is squeezed. */
export type Fit = 'crop' | 'squeeze';

/** At which size pictures are wanted. */
export interface Wanted {
  /** Default: theirs. */
  readonly size?: number | readonly [number, number] | undefined;
  readonly channels: 1 | 3;
  readonly fit: Fit;
}

/** Pictures at their size. */
export interface ReadPictures {
  readonly size: readonly [number, number];
  readonly store: Store;
}

/**
 * Reads pictures, several at a time: each is decoded and brought to its size in threads of their own.
 *
 * @param placeOf - Where each file's picture goes, in pictures.
 * @param memory - Most bytes of them in memory; more are kept in a file.
 * @throws DatasetError `bad-file` for pictures of different sizes where none is asked for, or a file that changes; `invalid-option`;
 *   EspalierError `bad-data` for the first picture that cannot be read
 */
export async function readPictures(
  files: readonly string[],
  placeOf: ArrayLike<number>,
  { size: asked, channels, fit }: Wanted,
  crew: Crew,
  memory?: number,
): Promise<ReadPictures> {
  const sides = typeof asked === 'number' ? ([asked, asked] as const) : asked;
  for (const side of sides ?? []) checkInteger('images', 'size', side, 1);
  const decode = (file: string): Promise<DecodedPicture> => steadily(file, readPicture);
  const first = await decode(files[0]);
  const size = sides ?? ([first.height, first.width] as const);
  const each = size[0] * size[1] * channels;
  const store = openStore(files.length * each, memory);
  const read = async (i: number): Promise<void> => {
    const picture = i === 0 ? first : await decode(files[i]);
    if (sides === undefined && (picture.height !== size[0] || picture.width !== size[1])) {
      throw new DatasetError(
        'bad-file',
        `${files[i]} has ${picture.width} x ${picture.height} pixels, ${files[0]} ${size[1]} x ${size[0]}.`,
        { remedy: 'Say at which size the pictures are wanted: size: 96.' },
      );
    }
    const given = { picture, size, channels, fit, place: store.place, at: placeOf[i] * each };
    await crew.do('resize', given, [picture.data.buffer as ArrayBuffer]);
  };
  for await (const _ of ahead(files.length, 2 * crew.size + 1, read));
  return { size, store };
}
