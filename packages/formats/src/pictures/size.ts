import { EspalierError } from '@espalier/core';
import { readWhole } from '../files.js';

/** What a picture's first bytes say. */
export interface PictureSize {
  readonly kind: 'png' | 'jpeg' | 'webp' | 'gif' | 'bmp';
  readonly width: number;
  readonly height: number;
}

/** Most pixels of a picture, far more than cameras have: some 400 MB as colours. */
const mostPixels = 2 ** 27;

type Size = Pick<PictureSize, 'width' | 'height'>;

/** Letters, one byte each. */
function tag(view: DataView, at: number, length = 4): string {
  if (at + length > view.byteLength) return '';
  return String.fromCharCode(...Array.from({ length }, (_, i) => view.getUint8(at + i)));
}

const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Frames of JPEG begin with one of these; three numbers between them mean something else. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Width and height out of the frame's header. Source: ITU-T T.81, B.1.1.3 and B.2.2. */
function jpegSize(bytes: Uint8Array, view: DataView): Size | undefined {
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1];
    // Fill bytes, and markers that stand alone.
    if (marker === 0xff) at++;
    else if (marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (isFrame(marker)) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** The three forms of WebP. Source: RFC 9649, 2.5 to 2.7. */
function webpSize(view: DataView): Size {
  const [form, three] = [
    tag(view, 12),
    (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16),
  ];
  if (form === 'VP8X') return { width: three(24) + 1, height: three(27) + 1 };
  if (form === 'VP8 ')
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  const bits = view.getUint32(21, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/** Rows from the top down have a height below 0; OS/2's header has words. */
function bmpSize(view: DataView): Size {
  if (view.getUint32(14, true) === 12)
    return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  return { width: Math.max(0, view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/** What a file is, and its size where that is in it. */
function sizeIn(
  bytes: Uint8Array,
  view: DataView,
): readonly [PictureSize['kind'], Size | undefined] | undefined {
  const { length } = bytes;
  if (png.every((byte, i) => bytes[i] === byte) && length >= 24)
    return ['png', { width: view.getUint32(16), height: view.getUint32(20) }];
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return ['jpeg', jpegSize(bytes, view)];
  if (tag(view, 0) === 'RIFF' && tag(view, 8) === 'WEBP' && length >= 30) return ['webp', webpSize(view)];
  if (/^GIF8[79]a$/.test(tag(view, 0, 6)) && length >= 13)
    return ['gif', { width: view.getUint16(6, true), height: view.getUint16(8, true) }];
  if (tag(view, 0, 2) === 'BM' && length >= 26) return ['bmp', bmpSize(view)];
  return undefined;
}

/**
 * What a file is, and how large, without decoding it.
 *
 * @throws EspalierError `bad-data` for what is none of the pictures that are read, has no pixels, or more than are decoded
 */
export function pictureSize(bytes: Uint8Array, file: string): PictureSize {
  const bad = (what: string, remedy: string): never => {
    throw new EspalierError('bad-data', `${file} ${what}.`, { remedy });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const picture = sizeIn(bytes, view);
  if (picture === undefined)
    return bad('is neither PNG nor JPEG, nor WebP, GIF or BMP', 'Convert it to one of them.');
  const [kind, size] = picture;
  if (size === undefined) return bad('is cut off', 'Copy or download it anew.');
  const pixels = size.width * size.height;
  if (pixels === 0) bad(`has no pixels: it is ${size.width} x ${size.height}`, 'Leave it out.');
  if (pixels > mostPixels)
    bad(`has ${size.width} x ${size.height} pixels`, `At most ${mostPixels} are decoded: make it smaller.`);
  return { kind, ...size };
}

/** What a picture's file is, and how large. @throws EspalierError as `readPicture` does before it decodes */
export async function sizeOfPicture(file: string): Promise<PictureSize> {
  return pictureSize(await readWhole(file), file);
}
