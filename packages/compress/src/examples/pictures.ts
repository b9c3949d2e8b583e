/** A picture in memory: `[height, width, 3]`, values 0 to 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** Parts of a picture's height and width that a cut takes at least. */
const leastPart = 0.4;

/**
 * Part of a picture at a size, as another camera might have seen it: from nearer or further off, mirrored, in other light.
 *
 * @returns `[height, width, channels]`, values in [0, 1]
 */
export function cutPicture(
  picture: Picture,
  [height, width, channels]: readonly [number, number, number],
  random: () => number,
): Float32Array {
  // The largest part of this shape, and then a smaller one, though hardly smaller than what is wanted.
  const whole = Math.min(picture.width / width, picture.height / height);
  const least = Math.min(1, Math.max(leastPart, 1 / whole));
  const scale = whole * least ** random();
  const [left, top] = [
    random() * Math.max(0, picture.width - scale * width),
    random() * Math.max(0, picture.height - scale * height),
  ];
  const mirrored = random() < 0.5;
  const light = Array.from({ length: 3 }, lights(random));
  const part = new Float32Array(height * width * channels);
  const colour = [0, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = mirrored ? width - 1 - x : x;
      meanOf(picture, left + from * scale, top + y * scale, scale, colour);
      for (let c = 0; c < 3; c++) colour[c] = Math.min(1, (light[c] * colour[c]) / 255);
      if (channels === 1) part[at++] = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
      else for (let c = 0; c < channels; c++) part[at++] = colour[c % 3];
    }
  }
  return part;
}

/** Gains of the colours: half of all pictures stay as they are. */
function lights(random: () => number): () => number {
  if (random() < 0.5) return () => 1;
  const exposure = 0.6 + 0.7 * random();
  return () => exposure * (0.9 + 0.2 * random());
}

/** The mean colour of a square of `size` pixels, of at least four: between pixels, colours follow from those around. */
function meanOf(
  { width, height, data }: Picture,
  left: number,
  top: number,
  size: number,
  into: number[],
): void {
  const side = Math.max(size, 1);
  const [x0, y0] = [left + (size - side) / 2, top + (size - side) / 2];
  into.fill(0);
  let all = 0;
  for (let y = Math.floor(y0); y < y0 + side; y++) {
    const tall = Math.min(y + 1, y0 + side) - Math.max(y, y0);
    const row = Math.max(0, Math.min(height - 1, y)) * width;
    for (let x = Math.floor(x0); x < x0 + side; x++) {
      const part = tall * (Math.min(x + 1, x0 + side) - Math.max(x, x0));
      const from = 3 * (row + Math.max(0, Math.min(width - 1, x)));
      for (let c = 0; c < 3; c++) into[c] += part * data[from + c];
      all += part;
    }
  }
  for (let c = 0; c < 3; c++) into[c] /= all;
}
