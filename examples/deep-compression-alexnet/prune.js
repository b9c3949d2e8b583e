/**
 * Sets all but the largest `keep` (a share) of the weights to 0, in place, and returns how many are left: exactly
 * round(keep * n), ties by index. Magnitudes order as their bits do, so that two histograms find the threshold.
 *
 * The notebook takes its threshold from the signed weights instead: asked for 30 %, it keeps 60 %.
 */
export function prune(values, keep) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const kept = Math.round(keep * values.length);
  const high = new Uint32Array(1 << 16);
  for (let i = 0; i < bits.length; i++) high[(bits[i] & 0x7fffffff) >>> 15]++;
  const [top, rest] = walkDown(high, kept);
  const low = new Uint32Array(1 << 15);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i] & 0x7fffffff) >>> 15 === top) low[bits[i] & 0x7fff]++;
  }
  const [bottom, ties] = walkDown(low, rest);
  const threshold = top * 2 ** 15 + bottom;
  for (let i = 0, left = ties; i < bits.length; i++) {
    const magnitude = bits[i] & 0x7fffffff;
    if (magnitude < threshold || (magnitude === threshold && left-- <= 0)) bits[i] = 0;
  }
  return kept;
}

/** The bin in which the `count`-th largest lies, and how many of that bin are among them. */
function walkDown(histogram, count) {
  let bin = histogram.length - 1;
  while (bin > 0 && histogram[bin] < count) count -= histogram[bin--];
  return [bin, count];
}
