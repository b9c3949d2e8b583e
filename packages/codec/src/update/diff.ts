import { equalBytes } from '../bytes/equal.js';
import { asBytes } from '../bytes/view.js';
import { RangeEncoder } from '../coders/range/encoder.js';
import { readHeader } from '../container/header.js';
import { unlimited } from '../container/limits.js';
import { codeBytes } from './blob.js';
import { Body, BYTES, GIVEN, SAME } from './body.js';
import { codeTensor } from './given.js';
import { identityOf, writeUpdate } from './head.js';
import { writeHeader } from './header.js';
import { Matcher } from './matcher.js';
import { Opened } from './opened.js';
import { patch } from './patch.js';
import { skeletonOf } from './skeleton.js';

/**
 * What it takes to make the new file of the old one, see {@link patch}: an update, as small as what changed. Tensors whose
 * payload the old file has cost next to nothing; of others it is written how they differ from those that they
 * are nearest to among those that have their name, place or shape; what has no counterpart is written as it is.
 *
 * The update is tried before it is handed out: it makes `next` byte for byte.
 *
 * @throws EspError as `decode`, where one of the two is no undamaged `.esp` file
 */
export function diff(old: ArrayBuffer | ArrayBufferView, next: ArrayBuffer | ArrayBufferView): Uint8Array {
  const [from, to] = [asBytes(old), asBytes(next)];
  const ends = { old: identityOf(from), new: identityOf(to) };
  // Of the small form, which is one stream, nothing can be kept.
  const small = [from, to].some((file) => readHeader(file, unlimited).coder !== undefined);
  const body = small ? undefined : bodyOf(new Opened(from, unlimited), new Opened(to, unlimited));
  const whole = writeUpdate({ ...ends, whole: true, body: to });
  if (!body) return whole;
  const update = writeUpdate({ ...ends, whole: false, body });
  return update.length < whole.length && makes(from, update, to) ? update : whole;
}

/** What {@link patch} makes is what was wanted. */
function makes(old: Uint8Array, update: Uint8Array, next: Uint8Array): boolean {
  try {
    return equalBytes(patch(old, update, unlimited), next);
  } catch {
    return false;
  }
}

/** Undefined where a header is not what it seems. */
function bodyOf(old: Opened, next: Opened): Uint8Array | undefined {
  const skeleton = skeletonOf(next.file, next.header);
  if (!skeleton) return undefined;
  const coder = new RangeEncoder();
  const body = new Body(coder);
  writeHeader(body, old, skeleton, next.text);
  const matcher = new Matcher(old, next);
  next.header.tensors.forEach((entry, index) => {
    if (entry.parts.length > 0) writeTensor(body, matcher, old, next, index);
  });
  return coder.finish();
}

function writeTensor(body: Body, matcher: Matcher, old: Opened, next: Opened, index: number): void {
  const { coder, numbers } = body;
  const entry = next.header.tensors[index];
  const tiles = next.tiles(index);
  const same = matcher.same(index);
  if (same !== undefined) {
    body.kind(SAME);
    body.source(same);
    return;
  }
  let least = entry.stored;
  let best: number | undefined;
  for (const source of matcher.candidates(index)) {
    const trial = new RangeEncoder();
    const made = codeTensor(trial, entry, old.header.tensors[source], old.decode(source), tiles);
    const { length } = trial.finish();
    // What another encoder has made may not be what ours makes of the same.
    if (length >= least || made.some((tile, i) => !equalBytes(tile, tiles[i]))) continue;
    [least, best] = [length, source];
  }
  if (best !== undefined) {
    matcher.give(best);
    body.kind(GIVEN);
    body.source(best);
    codeTensor(coder, entry, old.header.tensors[best], old.decode(best), tiles);
    return;
  }
  body.kind(BYTES);
  for (const { length } of tiles) numbers.code(length, Number.POSITIVE_INFINITY);
  for (const tile of tiles) codeBytes(coder, tile.slice());
}
