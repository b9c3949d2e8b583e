import { coarse } from '../numbers/coarse.js';
import type { Factor } from '../round/factor.js';
import type { Layout } from '../trace/layout.js';

/**
 * Means that are added to what the examples say of a row and of a column, as parts of the mean of all: what few examples hardly
 * need, others may.
 */
const commonRows = 1;
const commonColumns = 1;

/**
 * What the outputs' mean squared error gains by the squared error of each weight of a linear operation, once the rows after it
 * have made up for theirs: what is left of its row's energy (the pivot), times what the outputs feel of its column's sums. Both in
 * half octaves, which are what steps differ by.
 *
 * @param sensitivity - Of each weight, see `sensitivities`.
 * @param moments - `[groups, size, size]`, as they were factorised.
 */
export function importanceOf(
  { groups, rows, columns }: Layout,
  sensitivity: Float64Array,
  moments: Float64Array,
  factors: readonly Factor[],
): Float64Array {
  const outputs = new Float64Array(groups.length * columns.length);
  for (let g = 0; g < groups.length; g++) {
    let energy = 0;
    const { size } = factors[g];
    const base = g * size * size;
    for (let r = 0; r < rows.length; r++) energy += moments[base + r * size + r];
    for (let c = 0; c < columns.length; c++) {
      let sum = 0;
      for (const row of rows) sum += sensitivity[groups[g] + row + columns[c]];
      outputs[g * columns.length + c] = sum / Math.max(energy, 1e-30);
    }
  }
  const common = (commonColumns * outputs.reduce((a, b) => a + b, 0)) / outputs.length || 1e-30;
  const importance = new Float64Array(sensitivity.length);
  for (let g = 0; g < groups.length; g++) {
    const { pivots } = factors[g];
    let base = 0;
    for (let r = 0; r < rows.length; r++) base += (commonRows * pivots[r]) / rows.length;
    for (let c = 0; c < columns.length; c++) {
      const output = coarse(outputs[g * columns.length + c] + common);
      for (let r = 0; r < rows.length; r++) {
        importance[groups[g] + rows[r] + columns[c]] = coarse(pivots[r] + base) * output;
      }
    }
  }
  return importance;
}
