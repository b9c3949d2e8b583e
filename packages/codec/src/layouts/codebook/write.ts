import type { Writer } from '../../bytes/writer.js';
import { codeTree, freshStates } from '../../coders/range/adaptive.js';
import { RangeEncoder } from '../../coders/range/encoder.js';
import { type Book, bitsOf, orderOf, type Predictor } from './book.js';
import { shortStep } from './short-step.js';

/** The first byte of levels. */
export function flagsOf({ kind, negative, values, scales = [], predictor }: Book, rate: number): number {
  const list = kind === 'list';
  return (
    (list ? 1 : 0) |
    (list && values[negative] !== 0 ? 2 : 0) |
    (scales.some((axis) => axis.length > 0) ? 4 : 0) |
    (rate << 3) |
    ((predictor ? orderOf(predictor) : 0) << 5)
  );
}

/** Counterpart of `readBook`. */
export function writeBook(
  out: Writer,
  book: Book,
  itemBytes: number,
  rate: number,
  small?: boolean,
  usual?: boolean,
): void {
  const { kind, negative, positive, base, values, scales = [], predictor } = book;
  const flags = flagsOf(book, rate);
  const axes = scales.reduce((bits, axis, i) => bits | (axis.length > 0 ? 1 << i : 0), 0);
  if (!usual) out.u8(flags);
  out.varint(negative);
  out.varint(positive);
  if (kind === 'ints') out.uint(base, itemBytes);
  if (kind === 'step') out.uint(small ? shortStep(base) : bitsOf(base), small ? 1 : 4);
  if (axes) {
    out.u8(axes);
    writeNumbers(out, 7, scales);
  }
  if (predictor) writePredictor(out, predictor);
  if (kind !== 'list') return;
  values.forEach((bits, i) => {
    if (i === negative && !(flags & 2)) return;
    out.uint(bits, itemBytes);
  });
}

/** Counterpart of `readPredictor`. */
function writePredictor(out: Writer, predictor: Predictor): void {
  const { lag, terms } = predictor;
  const order = orderOf(predictor);
  out.varint(lag);
  const differences = terms.map((term, i) => (term - (i < order ? 0 : terms[i - order])) & 511);
  writeNumbers(out, 9, [differences]);
}

/** Counterpart of `readNumbers`. */
function writeNumbers(out: Writer, bits: number, lists: readonly Int16Array[]): void {
  const coder = new RangeEncoder();
  const states = freshStates(512);
  for (const numbers of lists) {
    for (const number of numbers) codeTree(coder, states, 0, bits, number);
  }
  const coded = coder.finish();
  out.varint(coded.length);
  out.put(coded);
}
