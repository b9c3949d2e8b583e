import { describe, expect, test } from 'vitest';
import { Reader } from '../../src/bytes/reader.js';
import { Writer } from '../../src/bytes/writer.js';
import type { Book } from '../../src/layouts/codebook/book.js';
import { readLevels } from '../../src/layouts/read.js';
import { groupAxes, sizeOf, type Traversal } from '../../src/layouts/traversal/geometry.js';
import { writeLevels } from '../../src/layouts/write.js';

const book: Book = { kind: 'step', negative: 1, positive: 2, base: 0.5, values: new Uint32Array(0) };
const step = [1, 2, 0, 0, 0, 63];

describe('how levels are laid out', () => {
  test.each<[string, number[], Traversal, number, number[]]>([
    [
      'as they lie',
      [4, 6],
      { foldAxis: -1, foldInner: 0, groups: [[], [], [0, 1]] },
      7,
      [0, ...step, 0, 32, 33, 7],
    ],
    [
      'in columns',
      [4, 6],
      { foldAxis: -1, foldInner: 0, groups: [[1], [], [0]] },
      255,
      [0, ...step, 0, 1, 32, 255],
    ],
    [
      'rows, lines, elements',
      [4, 6, 2],
      { foldAxis: -1, foldInner: 0, groups: [[2], [0], [1]] },
      0,
      [0, ...step, 0, 2, 16, 33, 0],
    ],
    [
      'the first axis folded',
      [4, 6],
      { foldAxis: 0, foldInner: 2, groups: [[2], [0], [1]] },
      9,
      [0, ...step, 1, 2, 2, 16, 33, 9],
    ],
    [
      'the last axis folded',
      [4, 600],
      { foldAxis: 1, foldInner: 300, groups: [[0, 1], [], [2]] },
      9,
      [0, ...step, 2, 172, 2, 0, 1, 34, 9],
    ],
    [
      'at rate 1',
      [4],
      { foldAxis: -1, foldInner: 0, groups: [[0], [], []] },
      9 | (1 << 8),
      [8, ...step, 0, 0, 9],
    ],
    [
      'at rate 3',
      [4],
      { foldAxis: -1, foldInner: 0, groups: [[], [0], []] },
      9 | (3 << 8),
      [24, ...step, 0, 16, 9],
    ],
    ['a scalar', [], { foldAxis: -1, foldInner: 0, groups: [[], [], []] }, 1, [0, ...step, 0, 1]],
  ])('%s', (_, shape, traversal, tuning, bytes) => {
    const groups = groupAxes(shape, traversal);
    const [rows, lines, width] = groups.map(sizeOf);
    const layout = { book, groups, rows, lines, width, tuning };
    const out = new Writer();
    writeLevels(out, { ...layout, traversal }, 4);
    expect([...out.take()]).toEqual(bytes);
    const reader = new Reader(Uint8Array.from(bytes));
    const count = shape.reduce((a, b) => a * b, 1);
    expect(readLevels(reader, { spec: { name: '', shape, dtype: 'float32' }, itemBytes: 4, count })).toEqual(
      layout,
    );
    expect(reader.position).toBe(bytes.length);
  });

  const read = (shape: number[], tail: number[]) =>
    readLevels(new Reader(Uint8Array.of(0, ...step, ...tail)), {
      spec: { name: '', shape, dtype: 'float32' },
      itemBytes: 4,
      count: 1,
    });

  test.each<[number, string, number[], number[]]>([
    [17, 'a group below the one before', [4, 6], [0, 32, 17, 0]],
    [17, 'an axis of the third group twice', [4, 6], [0, 32, 32, 0]],
    [17, 'group 3', [4, 6], [0, 0, 49, 0]],
    [17, 'an axis that is not there', [4, 6], [0, 0, 34, 0]],
    [17, 'axis 15', [4], [0, 47, 0]],
    [16, 'the third axis of two folded', [4, 6], [3, 2, 0, 1, 2, 0]],
    [39, 'an axis folded by itself', [4, 6], [1, 4, 0, 1, 2, 0]],
    [18, 'a line too many', [508, 1022], [0, 16, 33, 0]],
    [18, 'a row too many', [2 ** 20 + 1], [0, 0, 0]],
    [1, 'no tuning', [4], [0, 0]],
  ])('rule %d: %s', (rule, _, shape, tail) => {
    expect(() => read(shape, tail)).toThrow(`broken rule ${rule} `);
  });

  test('rows may be as long, and as many, as the format allows', () => {
    expect(read([508, 1021], [0, 16, 33, 0])).toMatchObject({ rows: 1, lines: 508, width: 1021 });
    expect(read([2 ** 20], [0, 0, 0])).toMatchObject({ rows: 2 ** 20, lines: 1, width: 1 });
    // 512 · 1024 elements of a bordered row.
    expect(read([508, 1021], [0, 16, 33, 0]).lines + 4).toBe(512);
  });
});
