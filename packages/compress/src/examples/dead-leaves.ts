/**
 * A picture of discs that cover each other, radii distributed as 1 / r^3, a little shaded and grained: sharp edges,
 * occlusion and a power spectrum that falls with the square of the frequency, as natural pictures have.
 *
 * Source: Lee, Mumford and Huang (2001), "Occlusion models for natural images".
 *
 * @returns `[height, width, channels]`, values in [0, 1]
 */
export function deadLeaves(
  height: number,
  width: number,
  channels: number,
  random: () => number,
): Float32Array {
  const picture = new Float32Array(height * width * channels);
  const largest = Math.max(height, width) / 2;
  const smallest = 1.5;
  for (let disc = 0; disc < 60 + (height * width) / 40; disc++) {
    // Inverse of the distribution 1 / r^3 between the two.
    const r = 1 / Math.sqrt(smallest ** -2 + random() * (largest ** -2 - smallest ** -2));
    // Large ones first, so that the small ones are seen.
    const radius = disc < 20 ? largest * (1 - disc / 40) : r;
    const [cy, cx] = [random() * height, random() * width];
    const light = random();
    const colour = Array.from({ length: channels }, () =>
      Math.max(0, Math.min(1, light + 0.3 * (random() - 0.5))),
    );
    const [slopeY, slopeX, grain] = [random() - 0.5, random() - 0.5, 0.08 * random() ** 2];
    for (let y = Math.max(0, Math.floor(cy - radius)); y < Math.min(height, cy + radius); y++) {
      for (let x = Math.max(0, Math.floor(cx - radius)); x < Math.min(width, cx + radius); x++) {
        const [dy, dx] = [(y - cy) / radius, (x - cx) / radius];
        if (dy * dy + dx * dx > 1) continue;
        const shade = 0.2 * (slopeY * dy + slopeX * dx) + grain * (random() - 0.5);
        for (let c = 0; c < channels; c++) {
          picture[(y * width + x) * channels + c] = Math.max(0, Math.min(1, colour[c] + shade));
        }
      }
    }
  }
  return picture;
}
