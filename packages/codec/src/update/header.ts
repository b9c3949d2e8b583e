import { equalBytes } from '../bytes/equal.js';
import { Reader } from '../bytes/reader.js';
import { RangeEncoder } from '../coders/range/encoder.js';
import type { Limits } from '../container/limits.js';
import { fail } from '../errors.js';
import { SECOND_FORM } from '../numbers.js';
import { codeBytes, Numbers, readBlob, writeBlob } from './blob.js';
import type { Body } from './body.js';
import type { Opened } from './opened.js';
import { type Skeleton, skeletonOf } from './skeleton.js';
import { stepsOf, storedFrom } from './text.js';

/** How a text is written: it is the old one; by its steps; as it is stored. */
const SAME = 0;
const STEPS = 1;
const STORED = 2;

/** Most bytes of steps for each byte of the update, beside as many as the old text has. */
const STEPS_A_BYTE = 8;

const empty: Skeleton = { bytes: new Uint8Array(0), cuts: new Uint8Array(0) };

/** Bytes of the text, and of the text as it is stored; how many of the last distances its copies know. */
function textFields({ bytes }: Skeleton): { length: number; stored: number; many: number } {
  const reader = new Reader(bytes);
  reader.take(2);
  const many = reader.uint(2) & SECOND_FORM ? 15 : 1;
  return { length: reader.varint(), stored: reader.varint(), many };
}

function oldSteps(old: Opened, bones: Skeleton): Uint8Array {
  return bones === empty ? empty.bytes : stepsOf({ ...textFields(bones), bytes: old.text });
}

/** What is known of an old file's header. */
function bonesOf(old: Opened): Skeleton {
  return skeletonOf(old.file, old.header) ?? empty;
}

/** Writes a header where an old one is known: all but what follows from the payloads. */
export function writeHeader(body: Body, old: Opened, skeleton: Skeleton, text: Uint8Array): void {
  const { coder, numbers } = body;
  const bones = bonesOf(old);
  writeBlob(coder, numbers, skeleton.bytes, bones.bytes);
  writeBlob(coder, numbers, skeleton.cuts, bones.cuts);
  if (equalBytes(text, old.text)) {
    numbers.code(SAME, STORED);
    return;
  }
  const fields = textFields(skeleton);
  const steps = stepsOf({ ...fields, bytes: text });
  const known = oldSteps(old, bones);
  const trial = new RangeEncoder();
  writeBlob(trial, new Numbers(trial), steps, known);
  const { length } = trial.finish();
  // So many steps a decoder believes; and another encoder's copies may not be what ours makes of the same steps.
  const believed = steps.length <= known.length + STEPS_A_BYTE * length;
  const worth =
    length < text.length && believed && equalBytes(storedFrom(steps, fields.length, fields.many), text);
  numbers.code(worth ? STEPS : STORED, STORED);
  if (worth) writeBlob(coder, numbers, steps, known);
  else codeBytes(coder, text.slice());
}

/** Counterpart of `writeHeader`, in an update of so many bytes. */
export function readHeaderOf(
  body: Body,
  old: Opened,
  max: Required<Limits>,
  bytes: number,
): { skeleton: Skeleton; text: Uint8Array } {
  const { coder, numbers } = body;
  const bones = bonesOf(old);
  const skeleton: Skeleton = {
    bytes: readBlob(coder, numbers, bones.bytes, max.headerBytes),
    cuts: readBlob(coder, numbers, bones.cuts, max.headerBytes),
  };
  const how = numbers.code(0, STORED);
  if (how === SAME) return { skeleton, text: old.text };
  const { length, stored, many } = textFields(skeleton);
  if (length > max.textBytes || stored > max.headerBytes) fail('limit', 'an update makes too long a text');
  if (how === STORED) return { skeleton, text: codeBytes(coder, new Uint8Array(stored)) };
  const known = oldSteps(old, bones);
  const steps = readBlob(coder, numbers, known, known.length + STEPS_A_BYTE * bytes);
  return { skeleton, text: storedFrom(steps, length, many) };
}
