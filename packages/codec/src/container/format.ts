import type { WeightQuantization, WeightSpec } from '../artifacts.js';
import type { RangeDecoder } from '../coders/range/decoder.js';
import type { Elements } from '../layouts/codebook/book.js';
import type { LevelsLayout } from '../layouts/levels.js';

/** PNG's idea: a byte with the high bit set, the name, CR LF, ^Z, LF catch text-mode and 7-bit damage. */
export const MAGIC: readonly number[] = [0x8a, 0x45, 0x53, 0x50, 0x0d, 0x0a, 0x1a, 0x0a];

/** The name of a tensor codec. */
export type CodecName =
  | 'zero'
  | 'constant'
  | 'raw'
  | 'planes'
  | 'lz'
  | 'rans'
  | 'ctx-fast'
  | 'ctx-mix'
  | 'same';
/** How a tensor is stored, by its number in the file. */
export const CODECS = 'zero constant raw planes lz rans ctx-fast ctx-mix same'.split(' ') as CodecName[];

/** What the bytes of a tensor are, by number in the file: dtype, type on disk, bytes of an element. */
export const STORAGE: readonly (readonly [WeightSpec['dtype'], WeightQuantization['dtype'] | '', number])[] =
  [
    ['float32', '', 4],
    ['int32', '', 4],
    ['bool', '', 1],
    ['string', '', 1],
    ['complex64', '', 8],
    ['float32', 'uint8', 1],
    ['float32', 'uint16', 2],
    ['float32', 'float16', 2],
    ['int32', 'uint8', 1],
    ['int32', 'uint16', 2],
  ];

/** A tile: part of a tensor that decodes on its own. */
export interface Tile {
  length: number;
  crc: number;
}

/** One tensor as the header describes it. */
export interface TensorEntry extends Elements {
  /** Where the decoded bytes lie in `weightData`. */
  start: number;
  total: number;
  codec: CodecName;
  /** Where its payloads lie in the file, one after the other, and how many bytes they have. */
  offset: number;
  stored: number;
  /** Number of the earlier tensor whose bytes these are. */
  same?: number;
  /** The element of a constant tensor. */
  constant?: Uint8Array;
  levels?: LevelsLayout;
  parts: Tile[];
}

/** Everything a decoder knows before it touches a payload. */
export interface Header {
  /** Bytes before the first payload. */
  headerLength: number;
  fileLength: number;
  /** Bytes of the compressed topology, metadata and names, inside the header. */
  textBytes: number;
  /** All artifacts but the weights. */
  meta: Record<string, unknown>;
  tensors: TensorEntry[];
  /** Sum of the tensors' bytes. */
  decodedBytes: number;
  /** Of the small form: what reads the levels of all tensors, one after the other. */
  coder?: RangeDecoder;
  /** And its contents, how many bytes of them are the tensor table, and which of its forms it is. */
  contents?: [bytes: Uint8Array, table: number, form: number];
}

/** Whether the elements are 4-byte floats (complex numbers are pairs of them). */
export function isFloat32(tensor: Pick<TensorEntry, 'spec'>): boolean {
  const { dtype, quantization } = tensor.spec;
  return dtype === 'complex64' || (dtype === 'float32' && !quantization);
}
