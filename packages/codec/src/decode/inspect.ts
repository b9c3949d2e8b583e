import { asBytes } from '../bytes/view.js';
import { codeLzWell } from '../coders/lz/encode.js';
import { Meter } from '../coders/range/bit-coder.js';
import type { CodecName, Header } from '../container/format.js';
import { readHeader } from '../container/header.js';
import type { Limits } from '../container/limits.js';
import { broken } from '../errors.js';
import { type Book, orderOf } from '../layouts/codebook/book.js';
import { FIXED_BYTES, SMALL_BYTES } from '../numbers.js';
import { primer } from '../text/primer.js';
import { decodeTensor } from './tensor.js';

/** How one tensor is stored. */
export interface TensorReport {
  name: string;
  shape: number[];
  dtype: string;
  /** Type on disk before compression, when the model was quantised by the TF.js converter. */
  quantization?: string;
  elements: number;
  codec: CodecName;
  /** Size of the codebook; 1 for a constant tensor; absent where the coder has none. */
  distinct?: number;
  /** From how many earlier elements each one is predicted, and how far these are apart. */
  predicted?: { distance: number; order: number };
  tiles: number;
  /** Bytes of the payload; in the small form, which has one stream, rounded to whole ones. */
  storedBytes: number;
  /** Bytes once decoded. */
  decodedBytes: number;
}

/** What {@link inspect} tells about a file. */
export interface FileReport {
  version: string;
  fileBytes: number;
  /** Everything that is no payload: fixed part, tensor table, topology. */
  headerBytes: number;
  /** Of the header: the tensor table. In the small form, which has one stream, rounded as those of tensors are. */
  tableBytes: number;
  /** Of the header: topology, metadata and names, compressed. */
  textBytes: number;
  decodedBytes: number;
  /** 'layers-model', 'graph-model' or absent. */
  format?: string;
  license?: string;
  /** SHA-256 of the payloads as hexadecimal, when the file carries it. */
  sha256?: string;
  tensors: TensorReport[];
}

/**
 * Describes a file from its header alone: `bytes` may be the whole file or just its beginning.
 *
 * @throws EspError when the header is damaged, incomplete, or beyond the limits.
 *
 * @example
 * ```ts
 * import { encode, inspect } from '@espalier/codec';
 *
 * const file = encode({
 *   weightSpecs: [{ name: 'w', shape: [4], dtype: 'float32' }],
 *   weightData: new Float32Array([1, 1, 1, 1]).buffer,
 * });
 * const [w] = inspect(file).tensors;
 * if (w.codec !== 'constant' || w.storedBytes !== 0) throw new Error('a constant needs no payload');
 * ```
 */
export function inspect(bytes: ArrayBuffer | ArrayBufferView, limits?: Limits): FileReport {
  const file = asBytes(bytes);
  const header = readHeader(file, limits);
  const parts = partsOf(header);
  const textBytes = header.contents ? textOf(header.contents, parts[0] - SMALL_BYTES) : header.textBytes;
  const { format, license, sha256 } = header.meta;
  for (const text of [license, sha256]) if (text !== undefined && typeof text !== 'string') broken(24); // both are text
  return {
    version: `${file[8]}.${file[9]}`,
    fileBytes: header.fileLength,
    headerBytes: parts[0],
    tableBytes: parts[0] - textBytes - (header.coder ? SMALL_BYTES : FIXED_BYTES),
    textBytes,
    decodedBytes: header.decodedBytes,
    ...(typeof format === 'string' ? { format } : {}),
    ...(typeof license === 'string' ? { license } : {}),
    ...(typeof sha256 === 'string' ? { sha256 } : {}),
    tensors: header.tensors.map(({ spec, count, codec, levels, parts: tiles, total }, i) => ({
      name: spec.name,
      shape: spec.shape,
      dtype: spec.dtype,
      ...(spec.quantization ? { quantization: spec.quantization.dtype } : {}),
      elements: count,
      codec,
      ...(levels
        ? { distinct: levels.book.negative + 1 + levels.book.positive }
        : codec === 'zero' || codec === 'constant'
          ? { distinct: 1 }
          : {}),
      ...predictionOf(levels?.book),
      tiles: tiles.length,
      storedBytes: parts[i + 1],
      decodedBytes: total,
    })),
  };
}

/** Bytes of the header and of each tensor, which are the file's. In the small form they are where its one stream stands. */
function partsOf({ headerLength, tensors, coder }: Header): number[] {
  if (!coder) return [headerLength, ...tensors.map(({ stored }) => stored)];
  const none = new Uint8Array(0);
  const ends = [undefined, ...tensors].map((tensor) => {
    if (tensor?.levels) decodeTensor(none, tensor, new Uint8Array(tensor.total), none, coder);
    const [position, range] = coder.state;
    return SMALL_BYTES + Math.ceil(position - 4 + (31 - Math.log2(range)) / 8);
  });
  ends[tensors.length] = headerLength;
  return ends.map((end, i) => end - (i > 0 ? ends[i - 1] : 0));
}

/** How many bytes of the contents of the small form, which take so many, are those of the text. */
function textOf([contents, table, form]: [Uint8Array, number, number], bytes: number): number {
  const takes = (length: number): number => {
    const known = primer(form);
    const all = new Uint8Array(known.length + length);
    all.set(known);
    all.set(contents.subarray(0, length), known.length);
    const meter = new Meter();
    codeLzWell(meter, all, 3, known.length);
    return meter.bits;
  };
  return Math.round(bytes * (1 - takes(table) / takes(contents.length)));
}

function predictionOf(book: Book | undefined): Pick<TensorReport, 'predicted'> {
  const predictor = book?.predictor;
  return predictor ? { predicted: { distance: predictor.lag, order: orderOf(predictor) } } : {};
}
