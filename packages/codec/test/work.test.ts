import { describe, expect, it } from 'vitest';
import { codeFast } from '../src/coders/fast/encode.js';
import { LzModel } from '../src/coders/lz/model.js';
import { RangeEncoder } from '../src/coders/range/encoder.js';
import { type StoredTensor, writeFile } from '../src/container/header-write.js';
import { decode, EspError, inspect, type Limits } from '../src/index.js';
import type { Book } from '../src/layouts/codebook/book.js';
import type { LevelsLayout } from '../src/layouts/levels.js';
import { groupAxes, sizeOf, type Traversal } from '../src/layouts/traversal/geometry.js';
import { createDecoder } from '../src/streaming.js';
import { encodeText, type StoredText } from '../src/text/encode.js';
import { primer } from '../src/text/primer.js';

// Small files that ask for much work: each is refused, or takes no longer than what it declares is worth.

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Processor time that a file may take: 50 ms and 1 s for 16 MiB; six times that, for machines differ, are shared, and compilers warm up. */
const allowed = (declared: number): number => 6 * (50 + (1000 * declared) / 2 ** 24);

/** What became of it, and its processor time beside what is allowed. */
function outcome(run: () => number): { said: string; share: number } {
  const start = process.cpuUsage();
  let said = 'accepted';
  let declared = 0;
  try {
    declared = run();
  } catch (error) {
    if (!(error instanceof EspError)) throw error;
    said = error.code;
  }
  const { user, system } = process.cpuUsage(start);
  return { said, share: (user + system) / 1000 / allowed(declared) };
}

const opened = (file: Uint8Array, limits?: Limits): { said: string; share: number } =>
  outcome(() => decode(file, limits).weightData.byteLength);

/** So many bytes of JSON that repeats a piece, in as few bytes as the rules allow. */
function repeated(
  piece: string,
  bytes: number,
  many: 1 | 15 = 1,
  most: number = piece.length * 900,
): StoredText {
  const coder = new RangeEncoder();
  const model = new LzModel(coder, 1, many);
  let position = primer().length;
  let before = 93;
  const literals = (text: string): void => {
    for (const byte of utf8(text)) {
      model.kind(position++, 0);
      model.literal(position - 1, before, byte);
      before = byte;
    }
  };
  literals(`[{"a":[${piece}`);
  let left = bytes - (bytes % piece.length);
  for (let first = true; left > 0; first = false) {
    const length = Math.min(left, most);
    model.kind(position, 1);
    model.copy(length, piece.length, first ? 0 : 1);
    position += length;
    left -= length;
  }
  before = piece.charCodeAt(piece.length - 1);
  literals('0]}]');
  return { bytes: coder.finish(), length: position - primer().length, many };
}

const list = (names: number): string =>
  `[{}${Array.from({ length: names }, (_, i) => `,"${i.toString(36)}"`).join('')}]`;

function fileOf(tensors: readonly StoredTensor[], text = list(tensors.length)): Uint8Array {
  const bytes = utf8(text);
  return writeFile(
    tensors,
    encodeText(bytes, () => false),
  );
}

const plain: Traversal = { foldAxis: -1, foldInner: 0, groups: [[0], [], []] };

/** A tensor of levels that are all 0, in so many tiles of rows. */
function zeros(shape: number[], book: Partial<Book>, traversal: Traversal = plain, tiles = 1): StoredTensor {
  const groups = groupAxes(shape, traversal);
  const [rows, lines, width] = groups.map(sizeOf);
  const whole: Book = {
    kind: 'step',
    negative: 0,
    positive: 1,
    base: 1,
    values: new Uint32Array(0),
    ...book,
  };
  // The lowest density: zeros take next to nothing.
  const levels: LevelsLayout = { book: whole, groups, rows, lines, width, tuning: 0 };
  const payload = (count: number): Uint8Array => {
    const coder = new RangeEncoder();
    codeFast(coder, { ...whole, ...levels, rows: count }, (_, out) => out.fill(0));
    return coder.finish();
  };
  const last = (t: number): number => Math.floor((rows * t) / tiles);
  const known = new Map<number, Uint8Array>();
  const payloads = Array.from({ length: tiles }, (_, t) => {
    const count = last(t + 1) - last(t);
    known.set(count, known.get(count) ?? payload(count));
    return known.get(count) as Uint8Array;
  });
  const elements = rows * lines * width;
  const spec = { name: '', shape, dtype: 'float32' as const };
  return { spec, storage: 0, elements, codec: 'ctx-fast', levels: { ...levels, traversal }, payloads };
}

describe('texts', () => {
  const forged = (piece: string, bytes: number): Uint8Array => {
    return writeFile([], repeated(piece, bytes));
  };

  it.each([
    ['objects', '{},'],
    ['lists', '[],'],
    ['lists in lists', '[[[[0]]]],'],
    ['fields', '{"a":0,"b":{}},'],
  ])('of %s are refused before they are made', (_, piece) => {
    const file = forged(piece, 2 ** 24);
    expect(file.length).toBeLessThan(40_000);
    const { said, share } = opened(file);
    expect(said).toBe('limit');
    // Of what 16 MiB are worth, which `outcome` does not see when a file is refused.
    expect(share * allowed(0)).toBeLessThan(allowed(2 ** 24));
  });

  it('that are longer than the limit are refused before they are decoded', () => {
    const { said, share } = opened(forged('{},', 2 ** 25 + 9));
    expect(said).toBe('limit');
    expect(share).toBeLessThan(1);
  });

  it.each([1, 15] as const)(
    'of copies of two bytes are refused before all are made (%i distances known)',
    (many) => {
      const file = (most: number): Uint8Array => writeFile([], repeated('0,', 2 ** 19, many, most));
      // 2^18 copies: three for each of them, less the bytes.
      expect(opened(file(2), { operations: 2 ** 18 - 50 }).said).toBe('limit');
      expect(opened(file(2), { operations: 2 ** 18 }).said).toBe('accepted');
      expect(opened(file(4), { operations: 10 }).said).toBe('accepted');
    },
  );

  it('of as many values as topologies have are read', () => {
    const nodes = Array.from({ length: 4000 }, (_, i) => ({
      name: `model/block_${i}/conv`,
      op: 'Conv2D',
      input: [`model/block_${i - 1}/conv`],
      attr: { T: { type: 'DT_FLOAT' }, strides: { list: { i: ['1', '1'] } } },
    }));
    const text = JSON.stringify([{ modelTopology: { node: nodes } }]);
    expect(opened(fileOf([], text)).said).toBe('accepted');
    expect(opened(forged('{},', 2 ** 12)).said).toBe('accepted');
    expect(opened(forged('{},', 2 ** 12), { operations: 0 }).said).toBe('limit');
  });
});

describe('tensors', () => {
  it('of a codebook much longer than they are: it is not made', () => {
    const steps = zeros([2], { negative: 32767, positive: 32768 });
    const { said, share } = opened(fileOf(Array(2000).fill(steps)));
    expect(said).toBe('accepted');
    expect(share).toBeLessThan(1);
    const integers = zeros([2], { kind: 'ints', negative: 32767, positive: 32768 });
    const bytes = { ...integers, storage: 1, spec: { ...integers.spec, dtype: 'int32' as const } };
    expect(opened(fileOf(Array(2000).fill(bytes))).share).toBeLessThan(1);
    expect(opened(fileOf(Array(65_535).fill(steps)))).toMatchObject({ said: 'limit' });
  });

  it('with more numbers than the limit are refused before these are read', () => {
    const groups = [[], [], [0]];
    const one = zeros([2 ** 16], { scales: [new Int16Array(2 ** 16).fill(1)] }, { ...plain, groups });
    const file = fileOf(Array(40).fill(one));
    expect(file.length).toBeLessThan(60_000);
    const { said, share } = outcome(() => inspect(file).decodedBytes);
    expect(said).toBe('limit');
    expect(share).toBeLessThan(4);
    expect(outcome(() => inspect(fileOf([one])).decodedBytes).said).toBe('accepted');
    expect(outcome(() => inspect(fileOf([one]), { numbers: 2 ** 16 - 1 }).decodedBytes).said).toBe('limit');
  });

  it('that are predicted on eight axes take a share of their time', () => {
    const shape = [8, 8, 8, 8, 8, 8, 4, 2];
    const scales = shape.map((size) => new Int16Array(size).fill(1));
    const predictor = { lag: 1, terms: new Int16Array(7).fill(1) };
    const groups = [
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ];
    const { said, share } = opened(fileOf([zeros(shape, { scales, predictor }, { ...plain, groups })]));
    expect(said).toBe('accepted');
    expect(share).toBeLessThan(1);
  });

  it('of one element a tile are refused where they are many', () => {
    const tiles = (count: number): Uint8Array => fileOf([zeros([count], {}, plain, count)]);
    expect(opened(tiles(10_000)).said).toBe('accepted');
    const { said, share } = opened(tiles(50_000));
    expect(said).toBe('limit');
    expect(share).toBeLessThan(1);
  });
});

describe('a stream', () => {
  it('takes as long as its bytes, however many tensors wait in one piece', () => {
    const spec = { name: '', shape: [64], dtype: 'float32' as const };
    const raw: StoredTensor = {
      spec,
      storage: 0,
      elements: 64,
      codec: 'raw',
      payloads: [new Uint8Array(256).fill(9)],
    };
    const file = fileOf(Array(20_000).fill(raw));
    let tensors = 0;
    const { share } = outcome(() => {
      const decoder = createDecoder();
      tensors = decoder.write(file).length;
      decoder.end();
      return decoder.decodedBytes ?? 0;
    });
    expect(tensors).toBe(20_000);
    expect(share).toBeLessThan(1);
  });

  it('in small pieces too', () => {
    const spec = { name: '', shape: [2 ** 20], dtype: 'bool' as const };
    const raw: StoredTensor = {
      spec,
      storage: 2,
      elements: 2 ** 20,
      codec: 'raw',
      payloads: [new Uint8Array(2 ** 20).fill(1)],
    };
    const file = fileOf([raw, raw]);
    const { said, share } = outcome(() => {
      const decoder = createDecoder();
      for (let at = 0; at < file.length; at += 16) decoder.write(file.subarray(at, at + 16));
      decoder.end();
      return decoder.decodedBytes ?? 0;
    });
    expect(said).toBe('accepted');
    expect(share).toBeLessThan(1);
  });
});
