import { describe, expect, test } from 'vitest';
import { crc32c } from '../../src/bytes/crc32c.js';
import { readHeader } from '../../src/container/header.js';
import { type StoredTensor, writeFile } from '../../src/container/header-write.js';
import { decode, EspError, inspect, type Limits } from '../../src/index.js';
import { encodeText } from '../../src/text/encode.js';

/** An unsigned LEB128 integer. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const uint = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Parts {
  /** The table, entry by entry; how many they are said to be. */
  table?: number[][];
  count?: number;
  payloads?: number[];
  /** The text, or its bytes and what they are said to become. */
  text?: string;
  coded?: Uint8Array;
  textLength?: number;
  textBytes?: number;
  /** What follows the text inside the header. */
  more?: number[];
  fixed?: (bytes: Uint8Array, view: DataView) => void;
  seal?: boolean;
}

/** A file, byte for byte as docs/format.md draws it. */
function build(parts: Parts = {}): Uint8Array {
  const { table = [], payloads = [], more = [] } = parts;
  const text = ascii(parts.text ?? `[{}${table.map((_, i) => `,"t${i}"`).join('')}]`);
  const coded = parts.coded ?? encodeText(text).bytes;
  const header = [
    ...varint(parts.textLength ?? text.length),
    ...varint(parts.textBytes ?? coded.length),
    ...varint(parts.count ?? table.length),
    ...table.flat(),
    ...coded,
    ...more,
  ];
  const length = 26 + header.length;
  const file = Uint8Array.of(
    ...[0x8a, 0x45, 0x53, 0x50, 0x0d, 0x0a, 0x1a, 0x0a, 1, 0, 0, 0],
    ...[...uint(length, 4), 0, 0, 0, 0, ...uint(length + payloads.length, 6)],
    ...header,
    ...payloads,
  );
  parts.fixed?.(file, new DataView(file.buffer));
  const end = Math.min(file.length, Math.max(26, new DataView(file.buffer).getUint32(12, true)));
  if (parts.seal !== false)
    new DataView(file.buffer).setUint32(16, crc32c(file, 20, end, crc32c(file, 0, 16)), true);
  return file;
}

const crc = (bytes: number[]): number[] => uint(crc32c(Uint8Array.from(bytes)), 4);
/** An entry of a raw tensor of booleans. */
const raw = (bytes: number[]): number[] => [
  0x12,
  2,
  ...varint(bytes.length),
  0,
  ...varint(bytes.length),
  ...crc(bytes),
];

describe('a file by hand', () => {
  test('is read', () => {
    const file = build({
      table: [
        [0x20, 0, 2, 3],
        [0x16, 1 | (1 << 6), 5, 3, ...new Uint8Array(Float64Array.of(0.5, -1).buffer), 7, 9],
        [0x17, 0 | (2 << 6), 2],
        raw([1, 0, 1]),
        [0x12, 8, 3, 1],
        [0x08, 1, 1, ...new Uint8Array(Float64Array.of(0.25).buffer), 4],
        [0x05, 0, 0],
      ],
      payloads: [1, 0, 1],
      text: '[{"format":"graph-model","license":"MIT","sha256":"ab"},"a","b","c","d","e","f","g"]',
    });
    const { weightData, weightSpecs, ...rest } = decode(file);
    expect(rest).toEqual({ format: 'graph-model' });
    expect(weightSpecs).toEqual([
      { name: 'a', shape: [2, 3], dtype: 'float32' },
      {
        name: 'b',
        shape: [5],
        dtype: 'float32',
        group: 'model',
        quantization: { dtype: 'uint16', scale: 0.5, min: -1 },
      },
      { name: 'c', shape: [2], dtype: 'float32', group: 'optimizer', quantization: { dtype: 'float16' } },
      { name: 'd', shape: [3], dtype: 'bool' },
      { name: 'e', shape: [3], dtype: 'bool' },
      { name: 'f', shape: [], dtype: 'int32', quantization: { dtype: 'uint8', scale: 0.25 } },
      { name: 'g', shape: [], dtype: 'float32', quantization: { dtype: 'uint8' } },
    ]);
    const bytes = [...new Uint8Array(weightData)];
    expect(bytes).toEqual([
      ...Array(24).fill(0),
      ...Array(5).fill([7, 9]).flat(),
      0,
      0,
      0,
      0,
      1,
      0,
      1,
      1,
      0,
      1,
      4,
      0,
    ]);
    const report = inspect(file);
    expect(report).toMatchObject({
      version: '1.0',
      fileBytes: file.length,
      headerBytes: file.length - 3,
      decodedBytes: bytes.length,
      format: 'graph-model',
      license: 'MIT',
      sha256: 'ab',
    });
    expect(
      report.tensors.map(({ elements, storedBytes, decodedBytes, tiles, distinct }) => [
        elements,
        storedBytes,
        decodedBytes,
        tiles,
        distinct,
      ]),
    ).toEqual([
      [6, 0, 24, 0, 1],
      [5, 0, 10, 0, 1],
      [2, 0, 4, 0, 1],
      [3, 3, 3, 1, undefined],
      [3, 0, 3, 0, undefined],
      [1, 0, 1, 0, 1],
      [1, 0, 1, 0, 1],
    ]);
  });

  test('may be part of a larger buffer, and of any later minor version', () => {
    const file = build({ table: [raw([5])], payloads: [5], fixed: (bytes) => bytes.set([77], 9) });
    const larger = new Uint8Array(file.length + 20).fill(0xee);
    larger.set(file, 7);
    expect([...new Uint8Array(decode(larger.subarray(7, 7 + file.length)).weightData)]).toEqual([5]);
    expect(inspect(file).version).toBe('1.77');
  });

  test('is what the writer writes', () => {
    const tensor: StoredTensor = {
      spec: { name: 'd', shape: [3], dtype: 'bool' },
      storage: 2,
      elements: 3,
      codec: 'raw',
      payloads: [Uint8Array.of(1, 0, 1)],
    };
    const text = ascii('[{},"t0"]');
    expect(writeFile([tensor], encodeText(text))).toEqual(
      build({ table: [raw([1, 0, 1])], payloads: [1, 0, 1] }),
    );
    const quantized: StoredTensor = {
      spec: {
        name: 'q',
        shape: [300, 1],
        dtype: 'int32',
        group: 'optimizer',
        quantization: { dtype: 'uint16', min: 2 },
      },
      storage: 9,
      elements: 300,
      codec: 'constant',
      constant: Uint8Array.of(1, 2),
      payloads: [],
    };
    const string: StoredTensor = {
      ...tensor,
      spec: { name: 's', shape: [0], dtype: 'string', group: 'model' },
      storage: 3,
      elements: 0,
      codec: 'zero',
      payloads: [],
    };
    const same: StoredTensor = {
      ...quantized,
      codec: 'same',
      same: 200,
      spec: { ...quantized.spec, quantization: { dtype: 'uint16' } },
    };
    const half: StoredTensor = {
      ...string,
      spec: { name: 'h', shape: [0], dtype: 'float32', quantization: { dtype: 'float16' } },
      storage: 7,
    };
    const { constant, ...without } = same;
    const names = ascii('[{},"t0","t1","t2","t3"]');
    expect(writeFile([quantized, string, without, half], encodeText(names))).toEqual(
      build({
        table: [
          [0x29, 1 | (2 << 6), ...varint(300), 1, 2, ...new Uint8Array(Float64Array.of(2).buffer), 1, 2],
          [0x13, 1 << 6, 0, 0],
          [0x29, 8 | (2 << 6), ...varint(300), 1, 0, ...varint(200)],
          [0x17, 0, 0],
        ],
      }),
    );
  });
});

describe('a header that breaks a rule', () => {
  const sound = build({ table: [raw([5, 6])], payloads: [5, 6] });
  const noLevels = [0x10, 6, 4];
  const list = (table: number[][], more: Parts = {}): Parts => ({ table, ...more });

  test.each<[number, string, Parts]>([
    [4, 'is shorter than its fixed part', { fixed: (_, view) => view.setUint32(12, 25, true) }],
    [4, 'is longer than the file', { fixed: (_, view) => view.setUint32(12, 999, true) }],
    [2, 'has an integer of more bytes than it needs', list([[0x20, 0, 0x82, 0, 3]])],
    [3, 'has an integer of eight bytes', list([[0x10, 0, ...Array(7).fill(0x80), 1]])],
    [1, 'ends inside an entry', { count: 9, textLength: 0, textBytes: 0, coded: new Uint8Array(0) }],
    [1, 'ends inside its text', { textBytes: 999 }],
    [5, 'has a text that expands too far', { textLength: 32768 * 4 + 131073, textBytes: 4 }],
    [6, 'has payloads that are too long', list([raw([5, 6])], { payloads: [5, 6, 7] })],
    [6, 'has payloads that are too short', list([raw([5, 6])], { payloads: [5] })],
    [7, 'is longer than its contents', { more: [0] }],
    [8, 'has an unknown type', list([[0x1a, 0, 1]])],
    [8, 'has an unknown group', list([[0x10, 3 << 6, 1]])],
    [8, 'has nine axes', list([[0x90, 0, ...Array(9).fill(1)]])],
    [
      9,
      'has a tensor of more than 2^31 elements',
      list([[0x20, 0, ...varint(2 ** 16), ...varint(2 ** 15 + 1)]]),
    ],
    [19, 'has no room for the lengths of strings', list([[0x13, 0, 2, 7]])],
    [10, 'has a payload of no elements', list([[0x12, 2, 0, 0, 0, 0, 0, 0, 0]])],
    [
      11,
      'has two tiles of what has no rows',
      list([[0x12, 2, 2, 1, 1, ...crc([5]), 1, ...crc([6])]], { payloads: [5, 6] }),
    ],
    [
      12,
      'has a raw tensor of another length',
      list([[0x12, 2, 2, 0, 3, ...crc([5, 6, 7])]], { payloads: [5, 6, 7] }),
    ],
    [
      13,
      'has a tensor that expands too far',
      list([[0x12, 4, ...varint(32768 + 131073), 0, 1, ...crc([5])]], { payloads: [5] }),
    ],
    [28, 'has flags of a scale that mean nothing', list([[0x15, 0, 1, 4]])],
    [
      29,
      'has a scale that is not finite',
      list([[0x15, 0, 1, 1, ...new Uint8Array(Float64Array.of(Infinity).buffer)]]),
    ],
    [
      29,
      'has a minimum that is no number',
      list([[0x15, 0, 1, 2, ...new Uint8Array(Float64Array.of(Number.NaN).buffer)]]),
    ],
    [42, 'repeats itself', list([[0x12, 8, 2, 0]])],
    [42, 'repeats what comes before the first', list([raw([5, 6]), [0x12, 8, 2, 2]], { payloads: [5, 6] })],
    [42, 'repeats what has other bytes', list([raw([5, 6]), [0x12, 8, 3, 1]], { payloads: [5, 6] })],
    [42, 'repeats a repetition', list([raw([5, 6]), [0x12, 8, 2, 1], [0x12, 8, 2, 1]], { payloads: [5, 6] })],
    [14, 'has levels of complex numbers', list([[0x14, 6, 4]])],
    [14, 'has levels of strings', list([[0x13, 6, 0, 4]])],
    [16, 'folds an axis that does not exist', list([[...noLevels, 0, 1, 1, 0, 0, 128, 63, 2, 2]])],
    [17, 'has an axis that does not exist', list([[...noLevels, 0, 1, 1, 0, 0, 128, 63, 0, 1]])],
    [17, 'has a group that does not exist', list([[...noLevels, 0, 1, 1, 0, 0, 128, 63, 0, 48]])],
    [17, 'has an axis twice', list([[0x20, 6, 4, 4, 0, 1, 1, 0, 0, 128, 63, 0, 1, 1]])],
    [17, 'has rows after lines', list([[0x20, 6, 4, 4, 0, 1, 1, 0, 0, 128, 63, 0, 16, 1]])],
    [39, 'folds by what divides nothing', list([[...noLevels, 0, 1, 1, 0, 0, 128, 63, 1, 3, 0, 1]])],
    [18, 'has a row that is too long', list([[0x10, 6, ...varint(104_855), 0, 1, 1, 0, 0, 128, 63, 0, 32]])],
    [18, 'has too many rows', list([[0x10, 6, ...varint(2 ** 20 + 1), 0, 1, 1, 0, 0, 128, 63, 0, 0]])],
    [22, 'has a text that is no list', { text: '{}' }],
    [22, 'has a text of nothing', { text: 'null' }],
    [23, 'has weights in its metadata', { text: '[{"weightData":1}]' }],
    [23, 'has specs in its metadata', { text: '[{"weightSpecs":[]}]' }],
    [23, 'has a stream in its metadata', { text: '[{"getWeightStream":1}]' }],
    [24, 'has metadata that is a list', { text: '[[]]' }],
    [24, 'has metadata that is null', { text: '[null]' }],
    [24, 'has metadata that is a number', { text: '[1]' }],
    [24, 'has no metadata', { text: '[]' }],
    [21, 'has a name too few', list([raw([5])], { payloads: [5], text: '[{}]' })],
    [21, 'has a name too many', { text: '[{},"a"]' }],
    [
      21,
      'has a name twice',
      list(
        [
          [0x12, 0, 1],
          [0x12, 0, 1],
        ],
        { text: '[{},"a","a"]' },
      ),
    ],
    [26, 'has a name that is a number', list([[0x12, 0, 1]], { text: '[{},1]' })],
    [26, 'has a name of 4097 letters', list([[0x12, 0, 1]], { text: `[{},"${'a'.repeat(4097)}"]` })],
    [30, 'has a text that is no JSON', { text: '[{}' }],
    [
      30,
      'has a mark before its text',
      { coded: encodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 91, 123, 125, 93)).bytes, textLength: 7 },
    ],
    [
      30,
      'has a text that is no UTF-8',
      { coded: encodeText(Uint8Array.of(91, 34, 0xff, 34, 93)).bytes, textLength: 5 },
    ],
  ])('rule %d: %s', (rule, _, parts) => {
    expect(() => decode(build(parts))).toThrow(
      new EspError('header', `broken rule ${rule} of docs/format.md`),
    );
  });

  test.each<[string, Parts]>([
    ['eight axes', list([[0x80, 0, ...Array(8).fill(1)]])],
    ['2^31 elements, but for the limits', list([[0x20, 0, ...varint(2 ** 16), ...varint(2 ** 15)]])],
    ['strings with room for their lengths', list([[0x13, 0, 2, 8]])],
    ['an integer of seven bytes', list([[0x20, 0, 0, ...Array(6).fill(0x80), 1]])],
    ['a name of 4096 letters', list([[0x12, 0, 1]], { text: `[{},"${'a'.repeat(4096)}"]` })],
    [
      'the longest row',
      list([[0x10, 6, ...varint(104_854), 0, 1, 1, 0, 0, 128, 63, 0, 32, 0, 0, 1, ...crc([5])]], {
        payloads: [5],
      }),
    ],
    [
      'the most rows',
      list([[0x10, 6, ...varint(2 ** 17), 0, 1, 1, 0, 0, 128, 63, 0, 0, 0, 0, 1, ...crc([5])]], {
        payloads: [5],
      }),
    ],
  ])('is none with %s', (_, parts) => {
    const limits = { elements: 2 ** 32, decodedBytes: 2 ** 36 };
    expect(readHeader(build(parts), limits).tensors.length).toBe(1);
  });

  test('text of 32768 times its bytes and 131072 more is not too far', () => {
    const parts = { textLength: 32768 * 4 + 131072, textBytes: 4, coded: Uint8Array.of(1, 2, 3, 4) };
    expect(() => readHeader(build(parts))).not.toThrow(/rule 5 /);
  });

  test.each<[string, string, Uint8Array]>([
    ['magic', 'another first byte', Uint8Array.of(0x89, ...sound.subarray(1))],
    ['magic', 'another eighth byte', Uint8Array.of(...sound.subarray(0, 7), 0x0d, ...sound.subarray(8))],
    ['magic', 'three bytes of something else', Uint8Array.of(0x8a, 0x45, 0x54)],
    ['length', 'the first bytes alone', sound.subarray(0, 5)],
    ['length', '25 bytes', sound.subarray(0, 25)],
    ['length', 'nothing', new Uint8Array(0)],
    ['length', 'half a header', sound.subarray(0, 30)],
    ['length', 'a byte too few', sound.subarray(0, -1)],
    ['length', 'a byte too many', Uint8Array.of(...sound, 0)],
    ['version', 'major version 2', build({ fixed: (bytes) => bytes.set([2], 8) })],
    ['version', 'major version 0', build({ fixed: (bytes) => bytes.set([0], 8) })],
    ['version', 'a required feature', build({ fixed: (bytes) => bytes.set([1], 10) })],
    ['version', 'another required feature', build({ fixed: (bytes) => bytes.set([128], 11) })],
    ['version', 'an unknown codec', build({ table: [[0x12, 9, 1]] })],
    ['version', 'the last unknown codec', build({ table: [[0x12, 63, 1]] })],
    ['checksum', 'another checksum', build({ seal: false })],
    ['checksum', 'another payload', Uint8Array.of(...sound.subarray(0, -1), 9)],
  ])('%s: %s', (code, _, file) => {
    expect(() => decode(file)).toThrow(expect.objectContaining({ name: 'EspError', code }));
  });
});

describe('limits', () => {
  const file = build({
    table: [raw([1, 2, 3]), [0x20, 0, 2, 2]],
    payloads: [1, 2, 3],
    text: '[{"a":[{}]},"x","y"]',
  });
  // Elements: 3 + 4. Bytes: 3 + 16. Operations: 2 · 32 + 64 + 8 · 5 (`:`, `[`, `{`) less 19 bytes and 20 of text.
  test.each<[keyof Limits, number]>([
    ['elements', 7],
    ['decodedBytes', 19],
    ['tensors', 2],
    ['headerBytes', file.length - 3],
    ['textBytes', 20],
    ['operations', 2 * 32 + 64 + 8 * 5 - 19 - 20],
  ])('of %s: %d are needed', (name, needed) => {
    expect(readHeader(file, { [name]: needed }).tensors.length).toBe(2);
    expect(() => readHeader(file, { [name]: needed - 1 })).toThrow(
      new EspError('limit', `${needed} ${name}, limit ${needed - 1}`),
    );
  });

  test('have defaults', () => {
    const many = (count: number, entry: number[]): Uint8Array => build({ table: Array(count).fill(entry) });
    const zeros = (elements: number): number[] => [0x10, 0, ...varint(elements)];
    const said = (bytes: Uint8Array, limits?: Limits): string => {
      try {
        readHeader(bytes, limits);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(said(many(1, zeros(2 ** 28)))).toBe('');
    expect(said(many(1, zeros(2 ** 28 + 1)))).toMatch(/elements, limit 268435456$/);
    expect(said(many(1, [0x14, 0, ...varint(2 ** 27)]))).toBe('');
    expect(said(many(1, [0x14, 0, ...varint(2 ** 27 + 1)]))).toMatch(/decodedBytes, limit 1073741824$/);
    expect(said(build({ count: 65_536 }))).toMatch(/^65536 tensors, limit 65535$/);
    expect(said(build({ textLength: 2 ** 25 + 1 }))).toMatch(/textBytes, limit 33554432$/);
    expect(
      said(
        build({
          fixed: (_, view) => {
            view.setUint32(12, 2 ** 22 + 1, true);
            view.setUint32(20, 2 ** 23, true);
          },
        }),
      ),
    ).toMatch(/headerBytes, limit 4194304$/);
  });

  test('that make no sense are refused', () => {
    expect(() => readHeader(file, { element: 1 } as Limits)).toThrow(
      new EspError(
        'option',
        'unknown limit "element": known elements, decodedBytes, tensors, headerBytes, textBytes, numbers, operations',
      ),
    );
    for (const bad of [-1, Number.NaN])
      expect(() => readHeader(file, { numbers: bad })).toThrow(expect.objectContaining({ code: 'option' }));
    expect(readHeader(file, { numbers: 0, elements: undefined } as unknown as Limits).tensors.length).toBe(2);
  });
});
