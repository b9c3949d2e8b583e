/** Which weights of a tensor are 0, as a picture: a tensor is laid out as a matrix and cut into cells. */
export interface MaskReport {
  /** The tensor's name. */
  readonly tensor: string;
  /** Rows of the matrix: all axes but the last. */
  readonly rows: number;
  /** Columns of the matrix: the last axis, which is what a layer puts out. */
  readonly columns: number;
  /** The picture's cells, across and down. */
  readonly width: number;
  readonly height: number;
  /** `width · height` bytes in Base64, in rows from the top: the share of a cell's weights that are not 0, in 255ths. */
  readonly cells: string;
}

/** Bytes in Base64, as browsers and Node have it. */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The bytes of a mask's cells. */
export function cellsOf({ cells }: Pick<MaskReport, 'cells'>): Uint8Array {
  return Uint8Array.from(atob(cells), (character) => character.charCodeAt(0));
}

/** As many cells as fit both ways, at most one for each row and column, near the matrix's own proportions. */
function gridOf(rows: number, columns: number, most: number): { width: number; height: number } {
  // A matrix of 2000 rows and 4 columns would be a line: beyond 4 to 1 its picture is stretched.
  const ratio = Math.min(4, Math.max(1 / 4, columns / rows));
  const height = Math.min(rows, Math.max(1, Math.floor(Math.sqrt(most / ratio))));
  const width = Math.min(columns, Math.max(1, Math.floor(most / height)));
  return { width, height: Math.min(rows, Math.max(1, Math.floor(most / width))) };
}

/**
 * A map of a tensor's zeros. Each cell stands for a block of the matrix; a cell with any weight that is not 0 has a
 * share of at least 1 / 255, one with any 0 of at most 254 / 255.
 *
 * @param shape - At least two axes, e.g. `[in, out]` or `[height, width, in, out]`.
 * @param options.most - Cells, at most. Default: 4096.
 * @returns `undefined` for tensors of fewer axes and for empty ones.
 *
 * @example
 * ```ts
 * import { mask } from '@espalier/report';
 * const { width, height, cells } = mask('w', [2, 3], [1, 0, 0, 0, 0, 2])!;
 * if (width !== 3 || height !== 2 || cells !== btoa('\xff\0\0\0\0\xff')) throw new Error(cells);
 * ```
 */
export function mask(
  tensor: string,
  shape: readonly number[],
  values: ArrayLike<number>,
  options: { readonly most?: number } = {},
): MaskReport | undefined {
  const columns = shape.at(-1) ?? 0;
  if (shape.length < 2 || values.length === 0) return undefined;
  const rows = values.length / columns;
  const { width, height } = gridOf(rows, columns, options.most ?? 4096);
  const [kept, all] = [new Uint32Array(width * height), new Uint32Array(width * height)];
  const across = Uint32Array.from({ length: columns }, (_, c) => Math.floor((c * width) / columns));
  for (let r = 0, i = 0; r < rows; r++) {
    const start = Math.floor((r * height) / rows) * width;
    for (let c = 0; c < columns; c++, i++) {
      const cell = start + across[c];
      all[cell]++;
      if (values[i] !== 0) kept[cell]++;
    }
  }
  const cells = Uint8Array.from(kept, (n, cell) =>
    n === 0 ? 0 : n === all[cell] ? 255 : Math.min(254, Math.max(1, Math.round((255 * n) / all[cell]))),
  );
  return { tensor, rows, columns, width, height, cells: base64(cells) };
}
