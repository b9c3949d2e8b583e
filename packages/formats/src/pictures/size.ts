import { EspalierError } from '@espalier/core';

/** What a picture's first bytes say. */
export interface PictureSize {
  readonly kind: 'png' | 'jpeg';
  readonly width: number;
  readonly height: number;
}

/** Most pixels of a picture, far more than cameras have: some 400 MB as colours. */
const mostPixels = 2 ** 27;

const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Frames of JPEG begin with one of these; three numbers between them mean something else. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Width and height out of the frame's header. Source: ITU-T T.81, B.1.1.3 and B.2.2. */
function jpegSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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

/**
 * What a file is, and how large, without decoding it.
 *
 * @throws EspalierError `bad-data` for what is neither PNG nor JPEG, has no pixels, or more than are decoded
 */
export function pictureSize(bytes: Uint8Array, file: string): PictureSize {
  const bad = (what: string, remedy: string): never => {
    throw new EspalierError('bad-data', `${file} ${what}.`, { remedy });
  };
  let size: PictureSize | undefined;
  if (png.every((byte, i) => bytes[i] === byte) && bytes.length >= 24) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    size = { kind: 'png', width: view.getUint32(16), height: view.getUint32(20) };
  } else if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    const found = jpegSize(bytes);
    size = found && { kind: 'jpeg', ...found };
  } else bad('is neither PNG nor JPEG', 'Convert it to one of them.');
  if (size === undefined) return bad('is cut off', 'Copy or download it anew.');
  const pixels = size.width * size.height;
  if (pixels === 0) bad(`has no pixels: it is ${size.width} x ${size.height}`, 'Leave it out.');
  if (pixels > mostPixels)
    bad(`has ${size.width} x ${size.height} pixels`, `At most ${mostPixels} are decoded: make it smaller.`);
  return size;
}
