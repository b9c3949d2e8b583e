import type { DecodedPicture } from '@espalier/formats';

/** How a picture becomes one of another shape: its middle is cut out, or it is squeezed. */
export type Fit = 'crop' | 'squeeze';

/** Which places of a line each new one is the mean of, and how much of each. */
function weightsAlong(
  from: number,
  start: number,
  length: number,
  to: number,
): { at: number; share: number }[][] {
  const step = length / to;
  return Array.from({ length: to }, (_, i) => {
    // Where it grows, between the two nearest; where it shrinks, over all that lies in the new place.
    const reach = Math.max(1, step);
    const centre = start + (i + 0.5) * step;
    const found: { at: number; share: number }[] = [];
    for (let at = Math.floor(centre - reach); at <= Math.ceil(centre + reach); at++) {
      const share = 1 - Math.abs(at + 0.5 - centre) / reach;
      if (share > 0) found.push({ at: Math.min(from - 1, Math.max(0, at)), share });
    }
    const sum = found.reduce((total, { share }) => total + share, 0);
    return found.map(({ at, share }) => ({ at, share: share / sum }));
  });
}

/** The part of a picture that has the shape wanted. */
function middle(
  { width, height }: DecodedPicture,
  w: number,
  h: number,
): { left: number; top: number; width: number; height: number } {
  const factor = Math.min(width / w, height / h);
  const size = { width: w * factor, height: h * factor };
  return { left: (width - size.width) / 2, top: (height - size.height) / 2, ...size };
}

/** A picture at another size, as bytes `[height, width, channels]`: a triangle filter, wider where it shrinks. */
export function resize(
  picture: DecodedPicture,
  [height, width]: readonly [number, number],
  channels: 1 | 3,
  fit: Fit,
): Uint8Array {
  const part =
    fit === 'crop'
      ? middle(picture, width, height)
      : { left: 0, top: 0, width: picture.width, height: picture.height };
  const columns = weightsAlong(picture.width, part.left, part.width, width);
  const rows = weightsAlong(picture.height, part.top, part.height, height);
  const narrow = new Float32Array(picture.height * width * 3);
  for (let y = 0, out = 0; y < picture.height; y++) {
    for (const column of columns) {
      for (let c = 0; c < 3; c++, out++) {
        for (const { at, share } of column)
          narrow[out] += share * picture.data[3 * (y * picture.width + at) + c];
      }
    }
  }
  const bytes = new Uint8Array(height * width * channels);
  const colour = [0, 0, 0];
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      colour.fill(0);
      for (const { at, share } of rows[y]) {
        for (let c = 0; c < 3; c++) colour[c] += share * narrow[3 * (at * width + x) + c];
      }
      const shown = channels === 3 ? colour : [0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]];
      for (const value of shown) bytes[out++] = Math.round(Math.min(255, Math.max(0, value)));
    }
  }
  return bytes;
}
