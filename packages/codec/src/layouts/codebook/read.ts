import type { Reader } from '../../bytes/reader.js';
import { codeTree, freshStates } from '../../coders/range/adaptive.js';
import { RangeDecoder } from '../../coders/range/decoder.js';
import { broken, fail } from '../../errors.js';
import { MAX_BOOK, MAX_EXPONENT, MAX_LEVELS } from '../../numbers.js';
import { type Book, type Elements, floatOf, type Predictor } from './book.js';

/**
 * Reads a codebook; `flags`: bit 0 whether it is a list, bit 1 whether the element of level 0 is in it, bit 2 whether
 * steps differ along axes, bits 5-7 of how many terms predictions are.
 */
export function readBook(
  reader: Reader,
  flags: number,
  { itemBytes, count, spec: { shape, dtype, quantization } }: Elements,
): Book {
  const negative = reader.varint();
  const positive = reader.varint();
  const size = negative + 1 + positive;
  const list = flags & 1;
  const step = !list && dtype === 'float32' && !quantization;
  const book: Book = {
    kind: list ? 'list' : step ? 'step' : 'ints',
    negative,
    positive,
    base: 0,
    values: new Uint32Array(0),
  };
  if (size < 2 || size > MAX_LEVELS) broken(32); // a codebook has an impossible size
  // a codebook has flags that mean nothing for its kind
  if ((flags & 2 && !list) || (flags & 228 && !step)) broken(15);
  if (list) {
    if (size > MAX_BOOK) broken(35); // a codebook has too many values
    book.values = Uint32Array.from({ length: size }, (_, i) =>
      i !== negative || flags & 2 ? reader.uint(itemBytes) : 0,
    );
  } else {
    // Of int32 too: modulo 2^32, as everything is stored.
    book.base = step && reader.small ? (reader.uint(1) + 784) << 20 : reader.uint(itemBytes);
  }
  if (step) {
    book.base = floatOf(book.base);
    let most = 0;
    if (flags & 228) {
      book.scales = flags & 4 ? readExponents(reader, shape) : [];
      for (const axis of book.scales) most += axis.reduce((a, b) => Math.max(a, b), 0);
      if (most > MAX_EXPONENT) broken(41); // steps differ too much
      if (flags >> 5) book.predictor = readPredictor(reader, flags >> 5, count);
    }
    const top = Math.fround(Math.max(negative, positive) * book.base * 2 ** Math.ceil(most / 4));
    if (!(book.base > 0 && top < Infinity)) broken(34); // a step is not a positive float32
  }
  return book;
}

/** A byte whose bits say on which axes there are exponents, and they. */
function readExponents(reader: Reader, shape: readonly number[]): Int16Array[] {
  const axes = reader.uint(1);
  return readNumbers(
    reader,
    7,
    shape.map((size, axis) => ((axes >> axis) & 1) * size),
  );
}

/** The distance, and so many terms of each lane, as differences to those of the lane before. */
function readPredictor(reader: Reader, order: number, elements: number): Predictor {
  const lag = reader.varint();
  const count = order * lag;
  if (!lag || count > elements) broken(43); // a prediction has no terms, or more than there are elements
  const [terms] = readNumbers(reader, 9, [count]);
  for (let i = order; i < count; i++) terms[i] += terms[i - order];
  return { lag, terms };
}

/** Numbers of so many bits, coded: the length of what follows, and lists of so many. */
function readNumbers(reader: Reader, bits: number, counts: readonly number[]): Int16Array[] {
  const coder = new RangeDecoder(reader.take(reader.varint()));
  const states = freshStates(512);
  const found = counts.map((count) => {
    reader.numbersLeft -= count;
    if (reader.numbersLeft < 0) fail('limit', 'numbers');
    return Int16Array.from({ length: count }, () => codeTree(coder, states, 0, bits, 0) - (1 << bits));
  });
  coder.finish();
  return found;
}
