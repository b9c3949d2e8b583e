import { Reader } from '../bytes/reader.js';
import { Writer } from '../bytes/writer.js';
import { LzModel } from '../coders/lz/model.js';
import { RangeDecoder } from '../coders/range/decoder.js';
import { RangeEncoder } from '../coders/range/encoder.js';
import { fail } from '../errors.js';
import { primer } from '../text/primer.js';
import { copy, joined, readSteps } from './blob.js';

/** A text as a file stores it. */
interface StoredText {
  readonly bytes: Uint8Array;
  /** Bytes of the text itself. */
  readonly length: number;
  /** How many of the last distances its copies know. */
  readonly many: number;
}

/** The steps that a text is stored in, as bytes: of two texts that differ in a word most are the same. */
export function stepsOf({ bytes, length, many }: StoredText): Uint8Array {
  const known = primer();
  const text = joined([known, new Uint8Array(length)]);
  const coder = new RangeDecoder(bytes);
  const out = new Writer();
  readSteps(coder, text, known.length, many, (step, position) => {
    out.varint(step.distance);
    if (step.distance) out.varint(step.length);
    else out.u8(text[position]);
  });
  coder.finish();
  return out.take();
}

/** Counterpart of `stepsOf`: the text as it is stored. @throws EspError 'payload' where steps make no text of this length */
export function storedFrom(steps: Uint8Array, length: number, many: number): Uint8Array {
  const known = primer();
  const text = joined([known, new Uint8Array(length)]);
  const reader = new Reader(steps);
  const coder = new RangeEncoder();
  const model = new LzModel(coder, 1, many);
  let position = known.length;
  while (position < text.length) {
    const distance = reader.varint();
    model.kind(position, distance ? 1 : 0);
    if (distance === 0) {
      text[position] = reader.uint(1);
      model.literal(position, text[position - 1], text[position]);
      position++;
    } else {
      const length = reader.varint();
      if (length < 2) fail('payload', 'a copy has an impossible length');
      copy(text, position, length, distance);
      model.copy(length, distance, model.recent.indexOf(distance) + 1);
      position += length;
    }
  }
  if (reader.position < steps.length) fail('payload', 'a text has more steps than it needs');
  return coder.finish();
}
