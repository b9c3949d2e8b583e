import { asBytes } from '../bytes/view.js';
import { RangeDecoder } from '../coders/range/decoder.js';
import type { TensorEntry } from '../container/format.js';
import { cut, readHeader } from '../container/header.js';
import { atMost, checkLimits, type Limits } from '../container/limits.js';
import { fail } from '../errors.js';
import { codeBytes, joined } from './blob.js';
import { Body, BYTES, SAME, setParts } from './body.js';
import { canBeGiven, codeTensor } from './given.js';
import { describe, type Head, identityOf, isNamed, readUpdate } from './head.js';
import { readHeaderOf } from './header.js';
import { Opened } from './opened.js';
import { headerOf } from './skeleton.js';

/**
 * Makes the new file of the old one and an update that {@link diff} wrote: byte for byte the file that the update was
 * made for. Limits hold for both files, as `decode` has them; the new file may be as long as what it decodes to.
 *
 * @throws EspError 'old' when `old` is not the file that the update is for, by length and SHA-256: before anything else is
 * done; as `decode` does for damage and for what exceeds the limits
 *
 * @example
 * ```ts
 * import { decode, encode } from '@espalier/codec';
 * import { diff, patch } from '@espalier/codec/update';
 *
 * const model = (weights: Float32Array) => ({
 *   weightSpecs: [{ name: 'w', shape: [100], dtype: 'float32' as const }],
 *   weightData: weights.slice().buffer,
 * });
 * const weights = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
 * const old = encode(model(weights));
 * weights[7] = 0.5;
 * const update = diff(old, encode(model(weights)));
 * const { weightData } = decode(patch(old, update));
 * if (new Float32Array(weightData)[7] !== 0.5) throw new Error('not the new model');
 * ```
 */
export function patch(
  old: ArrayBuffer | ArrayBufferView,
  update: ArrayBuffer | ArrayBufferView,
  limits?: Limits,
): Uint8Array {
  const max = checkLimits(limits);
  const head = readUpdate(update);
  // A file of few bytes for what it decodes to is longer than that by its header at most.
  atMost(max, 'decodedBytes', head.new.fileBytes - max.headerBytes);
  const file = asBytes(old);
  if (!isNamed(file, head.old)) {
    fail(
      'old',
      `the update is for a file of ${describe(head.old)}; this one has ${describe(identityOf(file))}`,
    );
  }
  const made = head.whole ? head.body.slice() : makeNew(new Opened(file, max), head, max);
  if (!isNamed(made, head.new))
    fail('checksum', `the update does not make the file of ${describe(head.new)}`);
  if (readHeader(made, max).fileLength !== made.length) cut();
  return made;
}

function makeNew(old: Opened, head: Head, max: Required<Limits>): Uint8Array {
  const coder = new RangeDecoder(head.body);
  const body = new Body(coder);
  const { skeleton, text } = readHeaderOf(body, old, max, head.body.length);
  // Lengths are not known yet: what is written for them may take a byte or two more.
  const more = { ...max, headerBytes: 2 * max.headerBytes };
  const { tensors } = readHeader(headerOf(skeleton, text, more), more);
  const used = new Set<number>();
  const payloads: Uint8Array[] = [];
  let left = head.new.fileBytes;
  for (const entry of tensors) {
    if (entry.parts.length === 0) continue;
    const tiles = readTiles(body, entry, old, used, head.body.length);
    if (tiles.length !== entry.parts.length) fail('payload', 'a tensor of an update has other tiles');
    left -= setParts(entry, tiles);
    if (left < 0) fail('length', 'an update makes a longer file than it says');
    for (const tile of tiles) payloads.push(tile);
  }
  coder.finish();
  return joined([headerOf(skeleton, text, max, tensors), ...payloads]);
}

/** The payloads of a tensor. Each older one is decoded once at most, so what there is to do is as much as its file is worth. */
function readTiles(
  body: Body,
  entry: TensorEntry,
  old: Opened,
  used: Set<number>,
  most: number,
): Uint8Array[] {
  const kind = body.kind(0);
  if (kind === BYTES) {
    const lengths = entry.parts.map(() => body.numbers.code(0, most));
    return lengths.map((length) => codeBytes(body.coder, new Uint8Array(length)));
  }
  const source = body.source(0);
  const from = old.header.tensors[source];
  if (!from || kind > BYTES) fail('payload', 'an update knows no such tensor');
  if (kind === SAME) return old.tiles(source);
  if (used.has(source) || !canBeGiven(entry, from))
    fail('payload', 'a tensor of an update follows from none');
  used.add(source);
  return codeTensor(body.coder, entry, from, old.decode(source));
}
