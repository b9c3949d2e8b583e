import type { WeightSpec } from '../artifacts.js';
import { encodeLz, encodeLzWell } from '../coders/lz/encode.js';
import { encodePlanes } from '../coders/planes/encode.js';
import { type CodecName, isFloat32, STORAGE } from '../container/format.js';
import type { StoredTensor } from '../container/header-write.js';
import { findBook, type Patterns, type Quantized } from '../layouts/codebook/find.js';
import { levelCandidates, levelCount } from './level-candidates.js';
import type { Search } from './search.js';
import { storedSize } from './size.js';

/** Bytes that decide whether LZ is tried on more; and where hardly anything is tried. */
const SAMPLE = 2 ** 17;
const QUICK_SAMPLE = 2 ** 12;

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
  const best = candidates.reduce((least, next) => (storedSize(next) < storedSize(least) ? next : least));
  if (search.prefer === 'size') return best;
  const near = candidates.filter((tensor) => storedSize(tensor) <= storedSize(best) * TOLERANCE);
  return near.reduce((first, next) => (slowness(next) < slowness(first) ? next : first));
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
  const least = Math.min(...candidates.map(storedSize));
  if (storedSize(candidates[at]) > 1.15 * least) return;
  candidates[at] = { ...candidates[at], payloads: [encodeLzWell(data, itemBytes, search.effort)] };
}

/** Whether to try LZ: on large tensors only where a sample repeats itself, unless the effort is high. */
function worthLz(data: Uint8Array, itemBytes: number, float: boolean, { effort, codecs }: Search): boolean {
  const size = effort === 0 ? QUICK_SAMPLE : SAMPLE;
  if (effort >= 7 || data.length <= size || !codecs.includes('planes')) return true;
  if (effort === 0 && data.length > SAMPLE) return false;
  const middle = Math.floor((data.length - size) / 2 / itemBytes) * itemBytes;
  const sample = data.subarray(middle, middle + size);
  return encodeLz(sample, itemBytes, 1).length < encodePlanes(sample, itemBytes, float).length;
}

function isConstant(data: Uint8Array, itemBytes: number): boolean {
  for (let i = itemBytes; i < data.length; i++) if (data[i] !== data[i - itemBytes]) return false;
  return true;
}

/** The elements as integers; `data` is a copy, so aligned. */
export function patternsOf(data: Uint8Array, itemBytes: number): Patterns {
  if (itemBytes === 4) return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
  if (itemBytes === 2) return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return data;
}
