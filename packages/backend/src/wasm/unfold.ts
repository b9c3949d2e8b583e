import type { backend_util } from '@tensorflow/tfjs-core';

/** Geometry of a 2-D convolution or pooling over NHWC images. */
export type Geometry = Pick<
  backend_util.Conv2DInfo,
  | 'batchSize'
  | 'inHeight'
  | 'inWidth'
  | 'inChannels'
  | 'outHeight'
  | 'outWidth'
  | 'strideHeight'
  | 'strideWidth'
  | 'dilationHeight'
  | 'dilationWidth'
  | 'filterHeight'
  | 'filterWidth'
  | 'padInfo'
>;

/**
 * The output positions `[from, to)` along one axis whose input position `o * stride + offset` lies inside
 * `[0, size)`.
 */
export function validRange(offset: number, stride: number, size: number, out: number): [number, number] {
  const from = Math.min(out, Math.max(0, Math.ceil(-offset / stride)));
  const to = Math.max(from, Math.min(out, Math.ceil((size - offset) / stride)));
  return [from, to];
}

/**
 * im2col, transposed: images `[first, first + count)` of `x` as a matrix
 * `[filterHeight * filterWidth * inChannels, count * outHeight * outWidth]`, zero where the filter hangs over
 * the edge. Transposed, because a product with it then sums over the long axis in XNNPACK's favourite order.
 */
export function unfold(x: Float32Array, g: Geometry, first: number, count: number, out: Float32Array): void {
  const channels = g.inChannels;
  const step = g.strideWidth * channels;
  const rows = count * g.outHeight * g.outWidth;
  for (let ky = 0; ky < g.filterHeight; ky++) {
    const top = ky * g.dilationHeight - g.padInfo.top;
    for (let kx = 0; kx < g.filterWidth; kx++) {
      const left = kx * g.dilationWidth - g.padInfo.left;
      const [begin, end] = validRange(left, g.strideWidth, g.inWidth, g.outWidth);
      const tap = (ky * g.filterWidth + kx) * channels * rows;
      let row = 0;
      for (let image = first; image < first + count; image++) {
        for (let oy = 0; oy < g.outHeight; oy++, row += g.outWidth) {
          const iy = oy * g.strideHeight + top;
          const inside = iy >= 0 && iy < g.inHeight;
          const [from, to] = inside ? [begin, end] : [0, 0];
          const pixel = ((image * g.inHeight + iy) * g.inWidth + from * g.strideWidth + left) * channels;
          // Channels inside: three times faster than outside, since the pixels are still in the cache.
          for (let c = 0; c < channels; c++) {
            const at = tap + c * rows + row;
            for (let ox = 0; ox < from; ox++) out[at + ox] = 0;
            for (let ox = from, i = pixel + c; ox < to; ox++, i += step) out[at + ox] = x[i];
            for (let ox = to; ox < g.outWidth; ox++) out[at + ox] = 0;
          }
        }
      }
    }
  }
}

/**
 * col2im: adds a matrix `[count * outHeight * outWidth, filterHeight * filterWidth * inChannels]` to images
 * `[first, first + count)` of `x`.
 */
export function fold(
  columns: Float32Array,
  g: Geometry,
  first: number,
  count: number,
  x: Float32Array,
): void {
  const channels = g.inChannels;
  const width = g.filterWidth * channels;
  let from = 0;
  for (let image = first; image < first + count; image++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      for (let ox = 0; ox < g.outWidth; ox++) {
        const left = ox * g.strideWidth - g.padInfo.left;
        const [begin, end] = validRange(left, g.dilationWidth, g.inWidth, g.filterWidth);
        for (let ky = 0; ky < g.filterHeight; ky++, from += width) {
          const iy = oy * g.strideHeight - g.padInfo.top + ky * g.dilationHeight;
          if (iy < 0 || iy >= g.inHeight) continue;
          const row = (image * g.inHeight + iy) * g.inWidth;
          if (g.dilationWidth === 1) {
            // Neighbouring columns are neighbouring pixels: one run of values.
            let to = (row + left + begin) * channels;
            for (let i = from + begin * channels; i < from + end * channels; i++, to++) x[to] += columns[i];
          } else {
            for (let kx = begin; kx < end; kx++) {
              const to = (row + left + kx * g.dilationWidth) * channels;
              for (let c = 0; c < channels; c++) x[to + c] += columns[from + kx * channels + c];
            }
          }
        }
      }
    }
  }
}
