import { gatherBytes, shiftImages, shiftsOf } from '../../gather.js';
import { generator } from '../../random.js';
import { chosenOf } from './place.js';

const shades = ['brightness', 'contrast', 'saturation'];

/** Mirrors, and enlarges a part: reads the picture at other places, between pixels too. */
function move(image, [height, width, channels], { flip, crop = 1 }, draw) {
  const across = draw() < 0.5 && (flip === 'horizontal' || flip === 'both');
  const down = draw() < 0.5 && (flip === 'vertical' || flip === 'both');
  const side = crop + (1 - crop) * draw();
  const [top, left] = [draw() * (1 - side) * (height - 1), draw() * (1 - side) * (width - 1)];
  if (!across && !down && side === 1) return;
  const source = image.slice();
  for (let y = 0, out = 0; y < height; y++) {
    const v = top + side * (down ? height - 1 - y : y);
    const y0 = Math.floor(v);
    const b = v - y0;
    const upper = y0 * width;
    const lower = Math.min(height - 1, y0 + 1) * width;
    for (let x = 0; x < width; x++) {
      const u = left + side * (across ? width - 1 - x : x);
      const x0 = Math.floor(u);
      const a = u - x0;
      const x1 = Math.min(width - 1, x0 + 1);
      const [p, q, r, s] = [
        (upper + x0) * channels,
        (upper + x1) * channels,
        (lower + x0) * channels,
        (lower + x1) * channels,
      ];
      for (let c = 0; c < channels; c++, out++) {
        image[out] =
          (1 - b) * ((1 - a) * source[p + c] + a * source[q + c]) +
          b * ((1 - a) * source[r + c] + a * source[s + c]);
      }
    }
  }
}

/** Brightness, contrast, colour, kept between black and white. */
function tint(image, [, , channels], jitter, [black, white], draw) {
  const [light, contrast, colour] = shades.map((name) => (2 * draw() - 1) * (jitter[name] ?? 0));
  let mean = 0;
  for (let i = 0; i < image.length; i++) mean += image[i];
  mean /= image.length;
  const lighter = light * (white - black);
  for (let at = 0; at < image.length; at += channels) {
    let grey = 0;
    for (let c = 0; c < channels; c++) grey += image[at + c] / channels;
    for (let c = at; c < at + channels; c++) {
      const coloured = grey + (1 + colour) * (image[c] - grey);
      const shown = mean + (1 + contrast) * (coloured - mean) + lighter;
      image[c] = Math.min(white, Math.max(black, shown));
    }
  }
}

/**
 * Each picture of a batch by what is drawn for (seed, epoch, its place in the data set).
 *
 * @param {Float32Array} values
 * @param {Uint32Array} chosen
 * @param {any} altering
 */
function augment(values, chosen, { shape, augment: options, range, seed, epoch }) {
  const stride = shape.reduce((a, b) => a * b, 1);
  const { shift = 0, jitter } = options;
  for (let i = 0; i < chosen.length; i++) {
    const image = values.subarray(i * stride, (i + 1) * stride);
    const draw = generator(seed + 0x2b67, epoch, chosen[i]);
    move(image, shape, options, draw);
    if (jitter) tint(image, shape, jitter, range, draw);
  }
  if (shift > 0) {
    const shifts = shiftsOf(chosen, { most: shift, seed: seed + 0x5f1f, epoch });
    shiftImages(values, shifts, shape, range[0]);
  }
}

/** (value - mean) / deviation of each channel. */
function normalize(values, { mean, deviation }) {
  const channels = mean.length;
  for (let i = 0; i < values.length; i += channels) {
    for (let c = 0; c < channels; c++) values[i + c] = (values[i + c] - mean[c]) / deviation[c];
  }
}

/**
 * The numbers of chosen pictures, a function of what is given alone.
 *
 * @param {import('./alter.js').Altering} altering
 */
export function alter({ place, from, table, chosen, ...drawn }) {
  const stride = drawn.shape.reduce((a, b) => a * b, 1);
  const values = new Float32Array(chosen.length * stride);
  const { bytes, order } = chosenOf(place, from, chosen, stride);
  gatherBytes(values, bytes, table, order, stride);
  if (drawn.augment) augment(values, chosen, drawn);
  if (drawn.normalize) normalize(values, drawn.normalize);
  return values;
}
