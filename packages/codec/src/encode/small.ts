import { equalBytes } from '../bytes/equal.js';
import { type BitCoder, Meter } from '../coders/range/bit-coder.js';
import { isFloat32, STORAGE } from '../container/format.js';
import type { StoredTensor } from '../container/header-write.js';
import { writeSmallFile } from '../container/header-write.js';
import { findBook, type Quantized } from '../layouts/codebook/find.js';
import { shortStep } from '../layouts/codebook/write.js';
import type { Grid } from '../layouts/grid/levels.js';
import { isUsual } from '../layouts/write.js';
import { TILE_ALLOWANCE } from '../numbers.js';
import { patternsOf, uniformTensor } from './choose.js';
import type { tensorsOf } from './input.js';
import { levelCandidates } from './level-candidates.js';
import type { Search } from './search.js';
import { codeTile } from './tiles.js';

type Given = ReturnType<typeof tensorsOf>[number];

/** The file in its small form, where there is one: all tensors are uniform, repeat others, or are levels. */
export function encodeSmall(
  given: readonly Given[],
  utf8: Uint8Array,
  effort: number,
  grids: Readonly<Record<string, Grid>>,
): Uint8Array | undefined {
  const elements = given.reduce((sum, { bytes }) => sum + bytes.length / 4, 0);
  if (elements > TILE_ALLOWANCE || given.some(({ spec }) => Object.hasOwn(grids, spec.name)))
    return undefined;
  const tensors: StoredTensor[] = [];
  for (const [i, one] of given.entries()) {
    const same = given.slice(0, i).findIndex(({ bytes }) => equalBytes(bytes, one.bytes));
    const tensor = smallTensor(one, effort) ?? (same < 0 ? undefined : repeated(one, i - same));
    if (tensor === undefined) return undefined;
    tensors.push(tensor);
  }
  return writeSmallFile(tensors, utf8);
}

function repeated({ spec, storage, bytes }: Given, same: number): StoredTensor {
  return { spec, storage, elements: bytes.length / STORAGE[storage][2], codec: 'same', same, payloads: [] };
}

/** About how many bits it takes to say how levels are stored that are not stored as most are. */
const UNUSUAL = 40;

/** The same levels, from a start of few values: it takes less in the table than it saves. */
function coarse({ levels, ...rest }: StoredTensor, found: Quantized): StoredTensor & { bits: number } {
  const { codec } = rest;
  const layout = { ...levels!, tuning: levels!.tuning & ~15 };
  const code = (coder: BitCoder): void =>
    codeTile(coder, found.levels, layout, codec as 'ctx-mix', 0, layout.rows);
  const meter = new Meter();
  code(meter);
  if (codec !== 'ctx-mix' || !isUsual(layout, rest.spec.shape.length)) meter.bits += UNUSUAL;
  return { ...rest, levels: layout, code, bits: meter.bits + 32 * layout.book.values.length };
}

/** A tensor without a payload of its own: uniform, or levels in one tile, whose step takes a byte. */
function smallTensor({ spec, storage, bytes }: Given, effort: number): StoredTensor | undefined {
  const uniform = uniformTensor(spec, storage, bytes);
  if (uniform || spec.dtype === 'string' || spec.dtype === 'complex64') return uniform;
  const itemBytes = STORAGE[storage][2];
  const float = isFloat32({ spec }) || spec.quantization?.dtype === 'float16';
  const books = [false, true].flatMap((zero) => findBook(patternsOf(bytes, itemBytes), float, zero) ?? []);
  const written = books.filter(({ book }) => {
    const step = book.kind === 'step' ? shortStep(book.base) : 0;
    return Number.isInteger(step) && step >= 0 && step < 256;
  });
  const base = { spec, storage, elements: bytes.length / itemBytes, payloads: [] };
  const search: Search = {
    effort,
    more: () => true,
    prefer: 'size',
    codecs: ['ctx-fast', 'ctx-mix'],
    tileElements: Number.POSITIVE_INFINITY,
  };
  const coded = written.flatMap((found) =>
    levelCandidates(base, found, search).flatMap((one) => (one.code ? coarse(one, found) : [])),
  );
  return coded.sort((a, b) => a.bits - b.bits)[0];
}
