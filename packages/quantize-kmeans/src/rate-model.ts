/** A tensor as a matrix: the last axis is the columns (output units), all others together the rows. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
}

export function matrixShape(shape: readonly number[]): MatrixShape {
  const columns = shape[shape.length - 1] ?? 1;
  return { rows: shape.slice(0, -1).reduce((a, b) => a * b, 1), columns };
}

/** Elements of a matrix that may be other than zero; all others are zero. */
export interface Places {
  readonly shape: MatrixShape;
  readonly rows: Uint32Array;
  readonly columns: Uint32Array;
}

/**
 * Estimated bits. A level other than 0 at row r, column c costs `rowBits[r] + columnBits[c]` more than a 0, and
 * `levelBits[level + top]` for its sign and magnitude.
 */
export interface Rates {
  readonly rowBits: Float64Array;
  readonly columnBits: Float64Array;
  readonly levelBits: Float64Array;
}

/** Below so many rows or columns a line's own density says nothing. */
const leastLine = 8;

/**
 * The rates that an adaptive coder would reach on these levels: "zero or not" with the density of row and
 * column for context, which costs nearly nothing where a line is empty; one bit of sign; the magnitude by its
 * frequency. The odds of "not zero" are odds(row) x odds(column) / odds(tensor).
 *
 * @param levels - One per place, in [-top, top].
 * @param entryBits - Bits of a codebook entry, charged to the elements that use it.
 */
export function ratesOf(places: Places, levels: Int16Array, top: number, entryBits: number): Rates {
  const { shape, rows, columns } = places;
  const inRow = new Float64Array(shape.rows);
  const inColumn = new Float64Array(shape.columns);
  const counts = new Float64Array(2 * top + 1);
  let total = 0;
  for (let j = 0; j < levels.length; j++) {
    if (levels[j] === 0) continue;
    inRow[rows[j]]++;
    inColumn[columns[j]]++;
    counts[levels[j] + top]++;
    total++;
  }
  const density = (total + 0.5) / (shape.rows * shape.columns + 1);
  const whole = logit(density);
  const flat = Math.min(shape.rows, shape.columns) < leastLine;
  // Beside those of the line, one element that is not zero at the tensor's density.
  const line = (count: number, length: number): number =>
    flat ? whole : logit((count + 1) / (length + 1 / density));
  const levelBits = new Float64Array(2 * top + 1);
  for (let m = 1; m <= top; m++) {
    const magnitude = -Math.log2((counts[top - m] + counts[top + m] + 0.1) / (total + 1));
    for (const i of [top - m, top + m]) levelBits[i] = 1 + magnitude + entryBits / Math.max(1, counts[i]);
  }
  return {
    rowBits: inRow.map((count) => (whole - line(count, shape.columns)) / Math.LN2),
    columnBits: inColumn.map((count) => -line(count, shape.rows) / Math.LN2),
    levelBits,
  };
}

/** Bits if all levels were zero. */
export function emptyBits({ rowBits, columnBits }: Rates): number {
  let bits = 0;
  for (let row = 0; row < rowBits.length; row++) {
    for (let column = 0; column < columnBits.length; column++) {
      bits += Math.log2(1 + 2 ** -(rowBits[row] + columnBits[column]));
    }
  }
  return bits;
}

function logit(p: number): number {
  return Math.log(p / (1 - p));
}
