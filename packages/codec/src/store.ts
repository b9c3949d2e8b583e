import type { WeightSpec } from './artifacts.js';
import { findBook, type Patterns, type Quantized } from './codebook-find.js';
import { isFloat32 } from './decode.js';
import { codeFast } from './encode-fast.js';
import { codeMix } from './encode-mix.js';
import { type CodecName, STORAGE } from './format.js';
import { groupAxes, offsetsOf, sizeOf, type Traversal } from './geometry.js';
import type { StoredTensor } from './header-write.js';
import { type LevelGrid, type Levels, lineStart, rowSize } from './level-coding.js';
import { RANGE, squash } from './logistic.js';
import { encodeLz, encodeLzWell } from './lz-encode.js';
import { MAX_ROW, MAX_ROWS } from './numbers.js';
import { encodePlanes } from './planes-encode.js';
import { RangeEncoder } from './range-encoder.js';
import { encodeRans } from './rans-encode.js';
import { plainTraversal, traversalsFor } from './traversals.js';

/** Bytes that decide whether LZ is tried on more. */
const SAMPLE = 2 ** 17;

/** What may be larger by this much when it decodes faster. */
const TOLERANCE = 1.005;
/** From fast to slow. */
const SPEED: readonly CodecName[] = [
  'zero',
  'constant',
  'raw',
  'rans',
  'ctx-fast',
  'lz',
  'planes',
  'ctx-mix',
];

/** What the search may do. */
export interface Search {
  /** 0 to 9. */
  effort: number;
  /** Whether there is time to try something else. */
  more: () => boolean;
  /** 'size': the smallest form; 'balance': a faster one when it is hardly larger. */
  prefer: 'balance' | 'size';
  /** Codecs to choose from. */
  codecs: readonly CodecName[];
  /** Most elements of a tile. */
  tileElements: number;
}

/** A tensor whose elements are all the same, which needs no payload. */
export function uniformTensor(spec: WeightSpec, storage: number, data: Uint8Array): StoredTensor | undefined {
  const itemBytes = STORAGE[storage][2];
  const base = { spec, storage, elements: data.length / itemBytes, payloads: [] };
  if (data.every((byte) => byte === 0)) return { ...base, codec: 'zero' };
  if (isConstant(data, itemBytes)) return { ...base, codec: 'constant', constant: data.slice(0, itemBytes) };
  return undefined;
}

/** Finds the smallest way to store a tensor that is not uniform. */
export function storeTensor(
  spec: WeightSpec,
  storage: number,
  data: Uint8Array,
  search: Search,
  onGrid?: Quantized,
): StoredTensor {
  const itemBytes = STORAGE[storage][2];
  const base = { spec, storage, elements: data.length / itemBytes, payloads: [] };
  const float = isFloat32({ spec });
  const candidates: StoredTensor[] = [{ ...base, codec: 'raw', payloads: [data] }];
  const found =
    spec.dtype === 'string' || spec.dtype === 'complex64'
      ? undefined
      : (onGrid ?? findBook(patternsOf(data, itemBytes), float || spec.quantization?.dtype === 'float16'));
  const coded = found ? levelCandidates(base, found, search) : [];
  // The four bytes of a float of few values know each other: apart they cost more than a level, and much time.
  const few = coded.length > 0 && float && levelCount(found as Quantized) <= 1024 && data.length > SAMPLE;
  if (search.codecs.includes('planes') && !few) {
    candidates.push({ ...base, codec: 'planes', payloads: [encodePlanes(data, itemBytes, float)] });
  }
  if (search.codecs.includes('lz') && search.more() && worthLz(data, itemBytes, float, search)) {
    candidates.push({ ...base, codec: 'lz', payloads: [encodeLz(data, itemBytes, search.effort)] });
  }
  candidates.push(...coded);
  improveLz(candidates, data, itemBytes, search);
  const best = candidates.reduce((least, next) => (size(next) < size(least) ? next : least));
  if (search.prefer === 'size') return best;
  const near = candidates.filter((tensor) => size(tensor) <= size(best) * TOLERANCE);
  return near.reduce((first, next) => (slowness(next) < slowness(first) ? next : first));
}

const levelCount = ({ book }: Pick<Quantized, 'book'>): number => book.negative + 1 + book.positive;

/** The level coders on every traversal that the effort allows: the quick one on all, the mixing one on the best. */
function levelCandidates(
  base: Omit<StoredTensor, 'codec'>,
  found: Quantized,
  search: Search,
): StoredTensor[] {
  const { effort, codecs } = search;
  const { shape } = base.spec;
  const fast: StoredTensor[] = [];
  for (const traversal of traversalsFor(shape)) {
    if (fast.length > 0 && (effort === 0 || !search.more())) break;
    const coded = encodeLevels(shape, found, traversal, 'ctx-fast', 0, search.tileElements);
    fast.push({ ...base, codec: 'ctx-fast', ...coded });
  }
  fast.sort((a, b) => size(a) - size(b));
  const all = codecs.includes('ctx-fast') ? fast : [];
  const plain = codecs.includes('rans') ? ransCandidate(base, found) : undefined;
  if (plain) all.push(plain);
  if (!codecs.includes('ctx-mix')) return all;
  const best = fast.slice(0, effort >= 8 ? 99 : effort >= 4 ? 2 : 1);
  const rates = effort >= 6 ? [1, 0, 2] : [1];
  for (const { levels } of best) {
    for (const rate of rates) {
      if (all.length > 0 && !search.more()) return all;
      all.push({
        ...base,
        codec: 'ctx-mix',
        ...encodeLevels(shape, found, levels!.traversal, 'ctx-mix', rate, search.tileElements),
      });
    }
  }
  return all;
}

/** For comparison only: the codec, and whether elements come in the order in which they lie. */
function slowness({ codec, levels }: StoredTensor): number {
  const order = levels?.traversal.groups.flat() ?? [];
  return 2 * SPEED.indexOf(codec) + (order.every((axis, i) => axis === i) ? 0 : 1);
}

/** Where LZ is among the smallest, its steps are searched for. */
function improveLz(candidates: StoredTensor[], data: Uint8Array, itemBytes: number, search: Search): void {
  const at = candidates.findIndex(({ codec }) => codec === 'lz');
  if (at < 0 || search.effort < 5 || !search.more()) return;
  const least = Math.min(...candidates.map(size));
  if (size(candidates[at]) > 1.15 * least) return;
  candidates[at] = { ...candidates[at], payloads: [encodeLzWell(data, itemBytes, search.effort)] };
}

/** Whether to try LZ: on large tensors only where a sample repeats itself, unless the effort is high. */
function worthLz(data: Uint8Array, itemBytes: number, float: boolean, { effort, codecs }: Search): boolean {
  if (effort >= 7 || data.length <= SAMPLE || !codecs.includes('planes')) return true;
  if (effort === 0) return false;
  const middle = Math.floor((data.length - SAMPLE) / 2 / itemBytes) * itemBytes;
  const sample = data.subarray(middle, middle + SAMPLE);
  return encodeLz(sample, itemBytes, 1).length < encodePlanes(sample, itemBytes, float).length;
}

function size(tensor: StoredTensor): number {
  return (
    tensor.payloads.reduce((n, p) => n + p.length, 0) +
    (tensor.levels ? 7 + tensor.levels.book.values.length * 4 + exponentBytes(tensor) : 0)
  );
}

/** About so many bytes: of the exponents and of the prediction's terms. */
function exponentBytes({ levels }: StoredTensor): number {
  const { scales = [], predictor } = levels?.book ?? {};
  return scales.reduce((n, axis) => n + 1 + axis.length, predictor?.terms.length ?? 0);
}

function isConstant(data: Uint8Array, itemBytes: number): boolean {
  for (let i = itemBytes; i < data.length; i++) if (data[i] !== data[i - itemBytes]) return false;
  return true;
}

/** The elements as integers; `data` is a copy, so aligned. */
function patternsOf(data: Uint8Array, itemBytes: number): Patterns {
  if (itemBytes === 4) return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
  if (itemBytes === 2) return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return data;
}

/** Static coding in the tensor's own order; only where the alphabet is small beside its 12-bit frequencies. */
function ransCandidate(
  base: Omit<StoredTensor, 'codec'>,
  { book, levels }: Quantized,
): StoredTensor | undefined {
  const count = levelCount({ book });
  if (count > 1024) return undefined;
  const { shape } = base.spec;
  // Rows are as long as allowed: the coder has no use for them.
  const order = shape.map((_, i) => i);
  const sizes = [...order, shape.length].map((axis) => shape.slice(axis).reduce((a, b) => a * b, 1));
  const rowAxes = sizes.findIndex((n) => rowSize({ lines: 1, width: n }) <= MAX_ROW);
  if (rowAxes < 0) return undefined;
  const traversal = plainTraversal(order, rowAxes, rowAxes);
  const groups = groupAxes(shape, traversal);
  const [rows, lines, width] = groups.map(sizeOf);
  if (rows > MAX_ROWS) return undefined;
  const symbols = new Uint16Array(levels.length);
  for (let i = 0; i < levels.length; i++) symbols[i] = levels[i] + book.negative;
  return {
    ...base,
    codec: 'rans',
    levels: { book, traversal, groups, rows, lines, width, tuning: 0 },
    payloads: [encodeRans(symbols, count)],
  };
}

function encodeLevels(
  shape: readonly number[],
  { book, levels, nonzero }: Quantized,
  traversal: Traversal,
  codec: 'ctx-fast' | 'ctx-mix',
  rate: number,
  tileElements: number,
): Pick<StoredTensor, 'levels' | 'payloads'> {
  const groups = groupAxes(shape, traversal);
  const [rows, lines, width] = groups.map(sizeOf);
  const tuning = initialStretch(nonzero / levels.length) | (rate << 8);
  const [rowOffsets, lineOffsets, widthOffsets] = groups.map(offsetsOf);
  const count = Math.min(rows, Math.max(1, Math.ceil(levels.length / tileElements)));
  const payloads: Uint8Array[] = [];
  for (let tile = 0; tile < count; tile++) {
    const first = Math.floor((rows * tile) / count);
    const grid: LevelGrid = {
      rows: Math.floor((rows * (tile + 1)) / count) - first,
      lines,
      width,
      negative: book.negative,
      positive: book.positive,
      tuning,
    };
    const before = (row: number, out: Levels): void => {
      for (let line = 0; line < lines; line++) {
        const from = rowOffsets[first + row] + lineOffsets[line];
        const to = lineStart(grid, line);
        for (let x = 0; x < width; x++) out[to + x] = levels[from + widthOffsets[x]];
      }
    };
    const coder = new RangeEncoder();
    (codec === 'ctx-mix' ? codeMix : codeFast)(coder, grid, before);
    payloads.push(coder.finish());
  }
  return { levels: { book, traversal, groups, rows, lines, width, tuning }, payloads };
}

/** The stretch of a density, in 1/16 + 128, by search in the frozen table. */
function initialStretch(density: number): number {
  let best = 0;
  for (let i = 0; i < 256; i++) {
    const p = (j: number): number => squash[RANGE + (j - 128) * 16] / 65536;
    if (Math.abs(p(i) - density) < Math.abs(p(best) - density)) best = i;
  }
  return best;
}
