import jpeg from 'jpeg-js';
import { type Source, sources } from './sources.js';

/** A photograph, decoded. */
export interface Photograph extends Omit<Source, 'jpeg'> {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`, red, green and blue, 0 to 255. */
  readonly data: Uint8Array;
}

/** Which photographs. */
export interface PhotographOptions {
  /** By name. Default: all. */
  readonly names?: readonly string[];
}

/**
 * Photographs in the public domain, about 256 pixels along the shorter side: people, animals, things, landscapes; half of
 * them in colour. Decoding all takes a fifth of a second.
 *
 * @throws RangeError when there is none of a name
 *
 * @example
 * ```ts
 * import { photographs } from '@espalier/photographs';
 * const [cat] = photographs({ names: ['cat'] });
 * if (cat.data.length !== cat.width * cat.height * 3) throw new Error('not red, green and blue');
 * ```
 */
export function photographs({ names }: PhotographOptions = {}): Photograph[] {
  const chosen = names?.map((name) => {
    const source = sources.find((own) => own.name === name);
    if (source) return source;
    const known = sources.map((own) => own.name).join(', ');
    throw new RangeError(`There is no photograph '${name}'. There are: ${known}.`);
  });
  return (chosen ?? sources).map(decode);
}

function decode({ jpeg: base64, ...source }: Source): Photograph {
  const file = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const { width, height, data } = jpeg.decode(file, { useTArray: true, formatAsRGBA: false });
  return { ...source, width, height, data };
}
