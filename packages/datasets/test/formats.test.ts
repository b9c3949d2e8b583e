import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset, readCifar10, readIdx, writeIdx } from '../src/index.js';

describe('IDX', () => {
  it('is laid out as published: magic number, big-endian axes, elements', () => {
    expect([...writeIdx({ shape: [2, 258], data: new Uint8Array(516).fill(7) }).subarray(0, 13)]).toEqual([
      0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 1, 2, 7,
    ]);
  });

  it('round-trips any array', () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 4 });
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (shape, values) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const data = Uint8Array.from([...values.take(size)]);
        expect(readIdx(writeIdx({ shape, data }))).toEqual({ shape, data });
      }),
    );
  });

  it('refuses every truncation, a byte too many and other element types', () => {
    const good = writeIdx({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    for (let n = 0; n < good.length; n++)
      expect(() => readIdx(good.subarray(0, n), 'x.idx')).toThrow(/x\.idx/);
    expect(() => readIdx(Uint8Array.of(...good, 0))).toThrow('takes 18 bytes, the file has 19');
    expect(() => readIdx(Uint8Array.of(0, 0, 0x0d, 0))).toThrow('element type 0xd');
    expect(() => readIdx(Uint8Array.of(0x1f, 0x8b, 8, 1))).toThrow('not an IDX file');
    expect(() => writeIdx({ shape: [3], data: new Uint8Array(2) })).toThrow('[3] and 2 elements');
  });
});

/** A record as the format says: label, red plane, green plane, blue plane. */
function record(label: number, pixel: (channel: number, place: number) => number): Uint8Array {
  return Uint8Array.from({ length: 3073 }, (_, i) =>
    i === 0 ? label : pixel(Math.floor((i - 1) / 1024), (i - 1) % 1024),
  );
}

describe('CIFAR-10', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'espalier-cifar-'));
    for (let file = 1; file <= 5; file++) {
      await writeFile(join(dir, `data_batch_${file}.bin`), [
        record(file, (channel, place) => (channel * 80 + file + place) % 256),
        record(9, () => file),
      ]);
    }
    await writeFile(
      join(dir, 'test_batch.bin'),
      record(0, (channel) => [10, 20, 30][channel]),
    );
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('interleaves the planes into [32, 32, 3]', () => {
    const { inputs, labels } = readCifar10(record(3, (channel, place) => (channel * 100 + place) % 256));
    expect([...labels]).toEqual([3]);
    expect([...inputs.subarray(0, 6)]).toEqual([0, 100, 200, 1, 101, 201]);
    const lastRow = 31 * 32 * 3;
    expect([...inputs.subarray(lastRow, lastRow + 3)]).toEqual([992 % 256, 1092 % 256, 1192 % 256]);
  });

  it('reads the folder of the binary version, files in order', async () => {
    const { train, test, classes, inputShape } = await loadDataset('cifar10', { dir });
    expect(train.size).toBe(10);
    expect([...train.labels]).toEqual([1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
    expect([...train.inputs.subarray(3072 * 2, 3072 * 2 + 3)]).toEqual([2, 82, 162]);
    expect([...test.inputs.subarray(3069)]).toEqual([10, 20, 30]);
    expect(classes[train.labels[1]]).toBe('truck');
    expect(inputShape).toEqual([32, 32, 3]);
  });

  it('refuses other files, labels and folders, and names them', async () => {
    expect(() => readCifar10(new Uint8Array(3072), 'a.bin')).toThrow(
      'a.bin: 3072 bytes are no multiple of 3073',
    );
    expect(() => readCifar10(record(10, () => 0))).toThrow('label 10');
    await expect(loadDataset('cifar10')).rejects.toMatchObject({ code: 'not-found' });
    await expect(loadDataset('cifar10', { dir: join(dir, 'none') })).rejects.toThrow(
      'holds no data_batch_1.bin',
    );
  });
});
