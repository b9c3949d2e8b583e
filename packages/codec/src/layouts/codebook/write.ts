import type { Writer } from '../../bytes/writer.js';
import { codeTree, freshStates } from '../../coders/range/adaptive.js';
import { RangeEncoder } from '../../coders/range/encoder.js';
import { type Book, bitsOf, orderOf, type Predictor } from './book.js';

/** Counterpart of `readBook`. */
export function writeBook(out: Writer, book: Book, itemBytes: number, rate: number, small?: boolean): void {
  const { kind, negative, positive, base, values, scales = [], predictor } = book;
  const list = kind === 'list';
  const explicitZero = list && values[negative] !== 0;
  const axes = scales.reduce((bits, axis, i) => bits | (axis.length > 0 ? 1 << i : 0), 0);
  out.u8(
    (list ? 1 : 0) |
      (explicitZero ? 2 : 0) |
      (axes ? 4 : 0) |
      (rate << 3) |
      ((predictor ? orderOf(predictor) : 0) << 5),
  );
  out.varint(negative);
  out.varint(positive);
  if (kind === 'ints') out.uint(base, itemBytes);
  if (kind === 'step') out.uint(small ? shortStep(base) : bitsOf(base), small ? 1 : 4);
  if (axes) {
    out.u8(axes);
    writeNumbers(out, 7, scales);
  }
  if (predictor) writePredictor(out, predictor);
  if (!list) return;
  values.forEach((bits, i) => {
    if (i === negative && !explicitZero) return;
    out.uint(bits, itemBytes);
  });
}

/** A step in a byte: five bits of exponent, three of significand, from 2^-29 on; other numbers where it has more. */
export function shortStep(step: number): number {
  return bitsOf(step) / 2 ** 20 - 784;
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
