/** A tensor as a matrix: the last axis is the columns (output units), all others together the rows. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
}

export function matrixShape(shape: readonly number[]): MatrixShape {
  const columns = shape[shape.length - 1] ?? 1;
  return { rows: shape.slice(0, -1).reduce((a, b) => a * b, 1), columns };
}

/** Below so many rows or columns a line's own density says nothing. */
const leastLine = 8;

/**
 * Estimated bits of a level: "zero or not", which an adaptive coder with the density of rows and columns for
 * context knows nearly for free where a line is empty; the sign; the magnitude by its frequency.
 *
 * The odds of "not zero" at (r, c) are odds(row) x odds(column) / odds(tensor).
 */
export class RateModel {
  readonly #columns: number;
  readonly #rowLogits: Float64Array;
  readonly #columnLogits: Float64Array;
  readonly #logit: number;
  /** Bits of sign and magnitude, by level + top. */
  readonly #levelBits: Float64Array;
  readonly #top: number;

  /**
   * @param positions - Elements that may be other than zero, ascending; all others are zero.
   * @param levels - Their levels, in [-top, top].
   * @param entryBits - Bits of a codebook entry, charged to the elements that use it.
   */
  constructor(
    { rows, columns }: MatrixShape,
    positions: Uint32Array,
    levels: Int16Array,
    top: number,
    entryBits: number,
  ) {
    const inRow = new Float64Array(rows);
    const inColumn = new Float64Array(columns);
    const counts = new Float64Array(2 * top + 1);
    let total = 0;
    for (let j = 0; j < positions.length; j++) {
      const level = levels[j];
      if (level === 0) continue;
      inRow[(positions[j] / columns) | 0]++;
      inColumn[positions[j] % columns]++;
      counts[level + top]++;
      total++;
    }
    const n = rows * columns;
    const density = (total + 0.5) / (n + 1);
    this.#columns = columns;
    this.#top = top;
    this.#logit = logit(density);
    const lines = (count: Float64Array, length: number): Float64Array =>
      Math.min(rows, columns) < leastLine
        ? count.fill(this.#logit)
        : // One element that is not zero, at the tensor's density, beside those of the line.
          count.map((c) => logit((c + 1) / (length + 1 / density)));
    this.#rowLogits = lines(inRow, columns);
    this.#columnLogits = lines(inColumn, rows);
    this.#levelBits = new Float64Array(2 * top + 1);
    for (let m = 1; m <= top; m++) {
      const magnitude = -Math.log2((counts[top - m] + counts[top + m] + 0.1) / (total + 1));
      for (const i of [top - m, top + m]) {
        this.#levelBits[i] = 1 + magnitude + entryBits / Math.max(1, counts[i]);
      }
    }
  }

  /** Bits that "not zero" costs more than "zero" at a position. */
  presence(position: number): number {
    return -this.#logitAt((position / this.#columns) | 0, position % this.#columns) / Math.LN2;
  }

  /** Bits of sign and magnitude of a level other than 0. */
  level(level: number): number {
    return this.#levelBits[level + this.#top];
  }

  /** Bits if all levels were zero. */
  get empty(): number {
    let bits = 0;
    for (let row = 0; row < this.#rowLogits.length; row++) {
      for (let column = 0; column < this.#columns; column++) {
        bits += Math.log1p(Math.exp(this.#logitAt(row, column)));
      }
    }
    return bits / Math.LN2;
  }

  #logitAt(row: number, column: number): number {
    return this.#rowLogits[row] + this.#columnLogits[column] - this.#logit;
  }
}

function logit(p: number): number {
  return Math.log(p / (1 - p));
}
