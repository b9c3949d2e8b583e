/** Which places of a line each new one is the mean of: `at` and `share`, from `first[i]` on. */
function weightsAlong(from, start, length, to) {
  const step = length / to;
  // Where it grows, between the two nearest; where it shrinks, over all that lies in the new place.
  const reach = Math.max(1, step);
  const first = new Uint32Array(to + 1);
  const at = [];
  const share = [];
  for (let i = 0; i < to; i++) {
    const centre = start + (i + 0.5) * step;
    let sum = 0;
    for (let place = Math.floor(centre - reach); place <= Math.ceil(centre + reach); place++) {
      const part = 1 - Math.abs(place + 0.5 - centre) / reach;
      if (part <= 0) continue;
      at.push(Math.min(from - 1, Math.max(0, place)));
      share.push(part);
      sum += part;
    }
    for (let k = first[i]; k < share.length; k++) share[k] /= sum;
    first[i + 1] = share.length;
  }
  return { first, at: Uint32Array.from(at), share: Float64Array.from(share) };
}

/** The part of a picture that has the shape wanted. */
function middle({ width, height }, w, h) {
  const factor = Math.min(width / w, height / h);
  const size = { width: w * factor, height: h * factor };
  return { left: (width - size.width) / 2, top: (height - size.height) / 2, ...size };
}

/** Every line of colours at the new width. */
function narrowed({ width, height, data }, left, length, to) {
  const { first, at, share } = weightsAlong(width, left, length, to);
  const out = new Float32Array(height * to * 3);
  for (let y = 0, o = 0; y < height; y++) {
    const row = 3 * y * width;
    for (let x = 0; x < to; x++, o += 3) {
      let [r, g, b] = [0, 0, 0];
      for (let k = first[x]; k < first[x + 1]; k++) {
        const place = row + 3 * at[k];
        r += share[k] * data[place];
        g += share[k] * data[place + 1];
        b += share[k] * data[place + 2];
      }
      out[o] = r;
      out[o + 1] = g;
      out[o + 2] = b;
    }
  }
  return out;
}

/** A picture at another size, as bytes `[height, width, channels]`: a triangle filter, wider where it shrinks. */
export function resize(picture, [height, width], channels, fit) {
  const part =
    fit === 'crop'
      ? middle(picture, width, height)
      : { left: 0, top: 0, width: picture.width, height: picture.height };
  const lines = narrowed(picture, part.left, part.width, width);
  const { first, at, share } = weightsAlong(picture.height, part.top, part.height, height);
  const bytes = new Uint8ClampedArray(height * width * channels);
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [r, g, b] = [0, 0, 0];
      for (let k = first[y]; k < first[y + 1]; k++) {
        const place = 3 * (at[k] * width + x);
        r += share[k] * lines[place];
        g += share[k] * lines[place + 1];
        b += share[k] * lines[place + 2];
      }
      if (channels === 3) {
        bytes[o++] = Math.round(r);
        bytes[o++] = Math.round(g);
        bytes[o++] = Math.round(b);
      } else bytes[o++] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    }
  }
  return new Uint8Array(bytes.buffer);
}
