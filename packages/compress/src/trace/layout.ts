/*
 * How the elements of a weight tensor act: an output is a sum of rows x input features, one sum per column. A depthwise
 * kernel has a group per channel, which share nothing.
 */

/** Where the elements of a linear operation's weight lie: at `groups[g] + rows[r] + columns[c]`. */
export interface Layout {
  readonly groups: Int32Array;
  readonly rows: Int32Array;
  readonly columns: Int32Array;
}

const range = (count: number, stride: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => i * stride);

/** A matrix, row-major, with inputs for rows: `[inputs, outputs]`, conv2d's `[h, w, in, out]` taken as one. */
export function rowMajor(rows: number, columns: number): Layout {
  return { groups: range(1, 0), rows: range(rows, columns), columns: range(columns, 1) };
}

/** A matrix with outputs for rows: `[outputs, inputs]`, the transposed convolution's `[h, w, out, in]` taken as one. */
export function columnMajor(rows: number, columns: number): Layout {
  return { groups: range(1, 0), rows: range(rows, 1), columns: range(columns, rows) };
}

/** A depthwise kernel `[h, w, channels, multiplier]`: each channel has its own `h * w` rows. */
export function depthwise(taps: number, channels: number, multiplier: number): Layout {
  return {
    groups: range(channels, multiplier),
    rows: range(taps, channels * multiplier),
    columns: range(multiplier, 1),
  };
}

export const sameLayout = (a: Layout, b: Layout): boolean =>
  a.groups.length === b.groups.length &&
  a.rows.length === b.rows.length &&
  a.columns.length === b.columns.length &&
  a.rows[1] === b.rows[1];
