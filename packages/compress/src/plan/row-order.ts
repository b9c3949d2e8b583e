import type { Gram } from '../calibrate/moments.js';
import { coarse } from '../numbers/coarse.js';
import type { Layout } from '../trace/layout.js';

/** Parts of an octave within which variances are alike; and the part of the greatest energy that is as good as no variance. */
const alike = 16;
const leastVariance = 1e-5;

/**
 * Rows by falling variance: the first can be predicted best from those that come after them, the last are those whose
 * errors nobody makes up for. Those that are alike stay in their order.
 */
export function fallingVariance({ groups, rows }: Layout, { size, moments }: Gram): Int32Array {
  const variance = new Float64Array(rows.length);
  const energy = new Float64Array(rows.length);
  for (let g = 0; g < groups.length; g++) {
    const base = g * size * size;
    for (let r = 0; r < rows.length; r++) {
      energy[r] += moments[base + r * size + r];
      variance[r] += moments[base + r * size + r] - moments[base + r * size + size - 1] ** 2;
    }
  }
  const least = leastVariance * energy.reduce((a, b) => Math.max(a, b), 0);
  const rough = variance.map((own) => coarse(Math.max(own, least), alike));
  return Int32Array.from(rows.keys()).sort((a, b) => rough[b] - rough[a] || a - b);
}

/** Moments with their rows in another order, and with or without the constant 1, which comes last. */
export function reordered(
  moments: Float64Array,
  size: number,
  order: Int32Array,
  kept: number,
): Float64Array {
  const groups = moments.length / (size * size);
  const all = [...order, size - 1];
  const ordered = new Float64Array(groups * kept * kept);
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < kept; i++) {
      const [from, to] = [(g * size + all[i]) * size, (g * kept + i) * kept];
      for (let j = 0; j < kept; j++) ordered[to + j] = moments[from + all[j]];
    }
  }
  return ordered;
}
