import type { Layout } from './layout.js';
import type { Trace } from './trace.js';

/**
 * Batch normalisation is `scale (x - mean) / sqrt(variance + epsilon) + offset`, four numbers a channel where two say the
 * same, or one behind a convolution: its kernel takes the scale. The function stays; mean becomes 0, variance 1 - epsilon
 * and, behind a convolution or dense layer, scale 1: constants, which cost nothing in the file.
 *
 * @returns the biases of linear operations, with the offsets that act as such
 */
export function foldNormalizations(
  { linear, biases, normalizations }: Trace,
  values: Map<string, Float32Array>,
): Map<string, string> {
  const found = new Map(biases);
  for (const { scale, offset, mean, variance, epsilon, after } of normalizations) {
    if ([scale, offset, mean, variance].some((name) => !values.has(name))) continue;
    const [s, o, m, v] = [scale, offset, mean, variance].map((name) =>
      Float32Array.from(values.get(name) ?? []),
    );
    if (!s.every((gain, i) => Number.isFinite(gain / Math.sqrt(v[i] + epsilon)))) continue;
    const layout = after === undefined ? undefined : linear.get(after);
    const folds =
      layout !== undefined &&
      values.has(after as string) &&
      layout.groups.length * layout.columns.length === s.length;
    const kernel = folds ? Float32Array.from(values.get(after as string) as Float32Array) : undefined;
    for (let i = 0; i < s.length; i++) {
      const gain = s[i] / Math.sqrt(v[i] + epsilon);
      o[i] -= m[i] * gain;
      m[i] = 0;
      v[i] = 1 - epsilon;
      s[i] = folds ? 1 : gain;
      if (kernel) scaleChannel(kernel, layout as Layout, i, gain);
    }
    if (kernel) {
      values.set(after as string, kernel);
      found.set(after as string, offset);
    }
    values.set(scale, s).set(offset, o).set(mean, m).set(variance, v);
  }
  return found;
}

/** Multiplies all that leads to an output channel. */
function scaleChannel(
  kernel: Float32Array,
  { groups, rows, columns }: Layout,
  channel: number,
  gain: number,
): void {
  const start = groups[Math.floor(channel / columns.length)] + columns[channel % columns.length];
  for (const row of rows) kernel[start + row] *= gain;
}
