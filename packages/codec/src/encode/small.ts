import { equalBytes } from '../bytes/equal.js';
import { Meter } from '../coders/range/bit-coder.js';
import { isFloat32, STORAGE } from '../container/format.js';
import type { StoredTensor } from '../container/header-write.js';
import { writeSmallFile } from '../container/header-write.js';
import { findBook, type Quantized } from '../layouts/codebook/find.js';
import { findShortStep, shortStep } from '../layouts/codebook/short-step.js';
import type { Grid } from '../layouts/grid/levels.js';
import { fits, traversalsFor } from '../layouts/traversal/choices.js';
import { groupAxes, sizeOf, type Traversal } from '../layouts/traversal/geometry.js';
import { usualByte } from '../layouts/write.js';
import { FEW, MANY, MAX_SMALL } from '../numbers.js';
import { patternsOf, uniformTensor } from './choose.js';
import type { tensorsOf } from './input.js';
import { codeTile, initialStretch } from './tiles.js';

type Given = ReturnType<typeof tensorsOf>[number];

/** About how many bytes the ordinary form takes more, at most. */
const MORE = 4096;

/**
 * The file in its small form, where there is one: all tensors are uniform, repeat others, or are levels. `ordinary`: bytes of the file
 * in the ordinary form.
 */
export function encodeSmall(
  given: readonly Given[],
  text: string,
  ordinary: number,
  grids: Readonly<Record<string, Grid>>,
): Uint8Array | undefined {
  if (ordinary > MAX_SMALL + MORE || given.some(({ spec }) => Object.hasOwn(grids, spec.name)))
    return undefined;
  const tensors: StoredTensor[] = [];
  let last = 0;
  for (const [i, one] of given.entries()) {
    const same = given.slice(0, i).findIndex(({ bytes }) => equalBytes(bytes, one.bytes));
    const tensor = smallTensor(one, last) ?? (same < 0 ? undefined : repeated(one, i - same));
    if (tensor === undefined) return undefined;
    tensors.push(tensor);
    last = one.spec.shape[one.spec.shape.length - 1] ?? 0;
  }
  return writeSmallFile(tensors, text);
}

function repeated({ spec, storage, bytes }: Given, same: number): StoredTensor {
  return { spec, storage, elements: bytes.length / STORAGE[storage][2], codec: 'same', same, payloads: [] };
}

/** About how many bits it takes to say how levels are stored that are not stored as most are. */
const UNUSUAL = 40;

/** A tensor without a payload of its own: uniform, or levels in one tile, whose step takes a byte. */
function smallTensor({ spec, storage, bytes }: Given, last: number): StoredTensor | undefined {
  const uniform = uniformTensor(spec, storage, bytes);
  if (uniform || spec.dtype === 'string' || spec.dtype === 'complex64') return uniform;
  const itemBytes = STORAGE[storage][2];
  const patterns = patternsOf(bytes, itemBytes);
  const float = isFloat32({ spec }) || spec.quantization?.dtype === 'float16';
  const short = isFloat32({ spec }) ? findShortStep(patterns) : undefined;
  const books = short ? [short] : [false, true].flatMap((zero) => findBook(patterns, float, zero) ?? []);
  const written = books.filter(({ book }) => {
    const step = book.kind === 'step' ? shortStep(book.base) : 0;
    return Number.isInteger(step) && step >= 0 && step < 256;
  });
  const base = { spec, storage, elements: bytes.length / itemBytes, payloads: [] };
  return written
    .flatMap((found) => candidates(base, found, last))
    .reduce<Metered | undefined>((least, one) => (least && least.bits <= one.bits ? least : one), undefined);
}

type Metered = StoredTensor & { readonly bits: number };

/**
 * The ways to store levels: in any order, by either context coder, where there are many the mixing one in the orders that suit the quick
 * one best; from a start of few values, which takes less in the table than it saves.
 */
function candidates(
  base: Pick<StoredTensor, 'spec' | 'storage' | 'elements' | 'payloads'>,
  { book, levels, nonzero }: Quantized,
  last: number,
): Metered[] {
  const { shape } = base.spec;
  const many = levels.length >= MANY;
  const tuning = (initialStretch(nonzero / levels.length) & ~15) | (many ? 0 : FEW);
  const metered = (traversal: Traversal, codec: 'ctx-fast' | 'ctx-mix'): Metered => {
    const groups = groupAxes(shape, traversal);
    const [rows, lines, width] = groups.map(sizeOf);
    const layout = { book, traversal, groups, rows, lines, width, tuning };
    const code: StoredTensor['code'] = (coder) => codeTile(coder, levels, layout, codec, 0, rows);
    const meter = new Meter();
    code(meter);
    const usual = codec === 'ctx-mix' && usualByte(layout, shape, last) !== undefined;
    return {
      ...base,
      codec,
      levels: layout,
      payloads: [new Uint8Array(0)],
      code,
      bits: meter.bits + (usual ? 0 : UNUSUAL) + 32 * book.values.length,
    };
  };
  const orders = [...traversalsFor(shape), ...foldedByLast(shape, last)];
  const quick = orders.map((order) => metered(order, 'ctx-fast')).sort((a, b) => a.bits - b.bits);
  const mixed = many ? quick.slice(0, 2).map(({ levels }) => levels!.traversal) : orders;
  return [...mixed.map((order) => metered(order, 'ctx-mix')), ...quick];
}

/** The inputs of a dense layer behind a convolution are positions of so many channels: those of one lie beside each other. */
function foldedByLast(shape: readonly number[], last: number): Traversal[] {
  const [inputs] = shape;
  if (shape.length !== 2 || last < 2 || last >= inputs || inputs % last !== 0) return [];
  const traversal = { foldAxis: 0, foldInner: last, groups: [[2], [0], [1]] };
  return fits(shape, traversal) ? [traversal] : [];
}
