// BMP, in the worker of other people's parsers: those that can be had mistake palettes, runs or the order of rows.
// Source: Microsoft's BITMAPFILEHEADER, BITMAPV5HEADER and "Bitmap Compression".

const damaged = (what) => new Error(`the BMP ${what}`);
const [RUNS_OF_8, RUNS_OF_4, MASKS, MASKS_WITH_ALPHA] = [1, 2, 3, 6];

function head(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = view.getUint32(10, true);
  const size = view.getUint32(14, true);
  const old = size === 12; // OS/2's, of words
  if (!old && size < 40) throw damaged(`has a header of ${size} bytes`);
  const [width, height] = old
    ? [view.getUint16(18, true), view.getUint16(20, true)]
    : [view.getInt32(18, true), view.getInt32(22, true)];
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? 0 : view.getUint32(30, true);
  const used = old ? 0 : view.getUint32(46, true);
  const masked = compression === MASKS || compression === MASKS_WITH_ALPHA;
  const plain = bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  const masks = masked ? [54, 58, 62].map((at) => view.getUint32(at, true)) : plain;
  const entry = old ? 3 : 4;
  const first = 14 + size;
  const count = bits <= 8 ? Math.min(used || 2 ** bits, 2 ** bits) : 0;
  if (first + entry * count > bytes.length) throw damaged('is cut off in its palette');
  // Colours are stored blue, green, red.
  const palette = Array.from({ length: count }, (_, i) => [2, 1, 0].map((c) => bytes[first + entry * i + c]));
  return { view, offset, width, height: Math.abs(height), up: height > 0, bits, compression, masks, palette };
}

/** How far a sample is moved, and its largest value. */
function channelOf(mask) {
  if (mask === 0) return { mask, shift: 0, most: 1 };
  const shift = 31 - Math.clz32(mask & -mask);
  return { mask, shift, most: mask >>> shift };
}

/** Places in a palette, row by row as they are stored, out of runs. */
function runs(bytes, { offset, width, height, bits }) {
  // Two bytes make 255 pixels at best.
  if (width * height > 128 * bytes.length)
    throw damaged(`claims ${width} x ${height} pixels, more than it can hold`);
  const out = new Uint8Array(width * height);
  const half = bits === 4;
  let [at, x, y] = [offset, 0, 0];
  const put = (value) => {
    if (x < width && y < height) out[y * width + x] = value;
    x++;
  };
  while (at + 1 < bytes.length && y < height) {
    const [count, value] = [bytes[at], bytes[at + 1]];
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(half ? (i % 2 === 0 ? value >> 4 : value & 15) : value);
    } else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) {
      if (at + 1 >= bytes.length) break;
      x += bytes[at];
      y += bytes[at + 1];
      at += 2;
    } else {
      const length = half ? Math.ceil(value / 2) : value;
      for (let i = 0; i < value; i++) {
        const byte = bytes[at + (half ? i >> 1 : i)];
        put(half ? (i % 2 === 0 ? byte >> 4 : byte & 15) : byte);
      }
      at += length + (length % 2);
    }
  }
  return out;
}

/** Reads a row's colours: gives that of each place. */
function reader(bytes, picture) {
  const { view, offset, width, height, bits, compression, masks, palette } = picture;
  const colourOf = (i) => palette[i] ?? [0, 0, 0];
  if ((compression === RUNS_OF_8 && bits === 8) || (compression === RUNS_OF_4 && bits === 4)) {
    const places = runs(bytes, picture);
    return (row, x) => colourOf(places[row * width + x]);
  }
  if (![0, MASKS, MASKS_WITH_ALPHA].includes(compression))
    throw damaged(`is compressed in the way ${compression}`);
  const stride = 4 * Math.ceil((width * bits) / 32);
  if (offset + stride * (height - 1) + Math.ceil((width * bits) / 8) > bytes.length)
    throw damaged('is cut off');
  const line = (row) => offset + row * stride;
  if (bits <= 8) {
    return (row, x) => {
      const bit = x * bits;
      return colourOf((bytes[line(row) + (bit >> 3)] >> (8 - bits - (bit & 7))) & (2 ** bits - 1));
    };
  }
  if (bits === 24) {
    return (row, x) => [2, 1, 0].map((c) => bytes[line(row) + 3 * x + c]);
  }
  const channels = masks.map(channelOf);
  return (row, x) => {
    const value =
      bits === 16 ? view.getUint16(line(row) + 2 * x, true) : view.getUint32(line(row) + 4 * x, true);
    return channels.map(({ mask, shift, most }) => (((value & mask) >>> shift) * 255) / most);
  };
}

/** Red, green and blue of each pixel, from the top. */
export function decodeBmp(bytes) {
  const picture = head(bytes);
  const { width, height, up, bits } = picture;
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits)) throw damaged(`has ${bits} bits a pixel`);
  const colourAt = reader(bytes, picture);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, out = 0; y < height; y++) {
    const row = up ? height - 1 - y : y;
    for (let x = 0; x < width; x++) {
      for (const value of colourAt(row, x)) data[out++] = Math.round(value);
    }
  }
  return { width, height, channels: 3, depth: 8, data };
}
