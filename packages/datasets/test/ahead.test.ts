import '@tensorflow/tfjs-backend-cpu';
import { fromImages, type ImagesOptions } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ahead } from '../src/ahead.js';
import { Crew } from '../src/crew.js';
import { folder, redAndBlue } from './made.js';

describe('results that are begun ahead', () => {
  it('come in their order, however long each takes, and no more than so many wait', async () => {
    const open = new Map<number, (value: number) => void>();
    let [begun, most] = [0, 0];
    const start = (i: number): Promise<number> => {
      most = Math.max(most, ++begun);
      return new Promise((resolve) => open.set(i, resolve));
    };
    const got: number[] = [];
    const all = (async () => {
      for await (const value of ahead(5, 3, start)) {
        got.push(value);
        begun--;
      }
    })();
    // The last of those that are open ends first.
    while (got.length < 5) {
      const [i, resolve] = [...open].at(-1) ?? [];
      if (i !== undefined) {
        open.delete(i);
        resolve?.(10 * i);
      }
      await new Promise((resolve) => setTimeout(resolve));
    }
    await all;
    expect([got, most]).toEqual([[0, 10, 20, 30, 40], 3]);
  });

  it('fail where they are, though others failed before', async () => {
    const start = async (i: number): Promise<number> => {
      if (i > 1) throw new Error(`no ${i}`);
      return i;
    };
    const got: number[] = [];
    const all = async (): Promise<void> => {
      for await (const value of ahead(9, 8, start)) got.push(value);
    };
    await expect(all()).rejects.toThrow('no 2');
    expect(got).toEqual([0, 1]);
  });

  it('go on into the row after, which takes them over', async () => {
    const asked: string[] = [];
    const starting = (row: string) => async (i: number) => {
      asked.push(`${row}${i}`);
      return `${row}${i}`;
    };
    let begun: Promise<string>[] = [];
    const next = { start: starting('b'), take: (given: Promise<string>[]) => (begun = given) };
    for await (const _ of ahead(3, 2, starting('a'), [], next));
    expect(asked).toEqual(['a0', 'a1', 'a2', 'b0']);
    const row: string[] = [];
    for await (const value of ahead(3, 2, starting('b'), begun)) row.push(value);
    expect(row).toEqual(['b0', 'b1', 'b2']);
    expect(asked.slice(4)).toEqual(['b1', 'b2']);
  });
});

describe('pictures', () => {
  const augment = {
    flip: 'both',
    shift: 1,
    crop: 0.6,
    jitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3 },
  } as const;
  const options = (images: string): ImagesOptions => ({
    images,
    size: 5,
    normalize: { mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.3, 0.4] },
    augment,
  });
  const numbers = async (images: string, workers: number, epochs: readonly number[]): Promise<number[][]> => {
    const source = await fromImages(options(images), { workers, seed: 2 });
    const data = source.batches('train', { batchSize: 3, shuffle: 4 });
    const rows: number[][] = [];
    for (const epoch of epochs) {
      for await (const { inputs, labels } of data.batches(epoch)) {
        for (const tensor of [inputs, labels] as tf.Tensor[]) rows.push([...tensor.dataSync()]);
        tf.dispose([inputs, labels]);
      }
    }
    return rows;
  };

  it('are the same of one thread and of three, of epochs in their order and of one alone', async () => {
    const images = redAndBlue(folder(), 9);
    const before = tf.memory().numTensors;
    const one = await numbers(images, 1, [0, 1, 2]);
    expect(one).toHaveLength(3 * 2 * 5);
    expect(await numbers(images, 3, [0, 1, 2])).toEqual(one);
    expect(await numbers(images, 2, [2])).toEqual(one.slice(20));
    expect(await numbers(images, 1, [2, 0])).toEqual([...one.slice(20), ...one.slice(0, 10)]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('may be left in the middle of an epoch', async () => {
    const images = redAndBlue(folder(), 9);
    const source = await fromImages(options(images), { workers: 2 });
    const data = source.batches('train', { batchSize: 3, shuffle: 4 });
    const first = async (): Promise<number[]> => {
      for await (const { inputs, labels } of data.batches(1)) {
        const values = [...(inputs as tf.Tensor).dataSync()];
        tf.dispose([inputs, labels]);
        return values;
      }
      return [];
    };
    expect(await first()).toEqual(await first());
  });

  it('are refused a number of threads that is none', async () => {
    await expect(fromImages({ images: redAndBlue(folder()) }, { workers: 0 })).rejects.toThrow(
      'workers is 0',
    );
  });
});

it('a worker that fails says so, and the next task is done', async () => {
  const crew = new Crew(1);
  await expect(crew.do('alter', {})).rejects.toMatchObject({ code: 'worker' });
  const into = new Uint8Array(new SharedArrayBuffer(3));
  const picture = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
  await crew.do('resize', { picture, size: [1, 1], channels: 3, fit: 'crop', place: { bytes: into }, at: 0 });
  expect([...into]).toEqual([1, 2, 3]);
});

it('more pictures than fit into memory are the same, to the bit', async () => {
  const images = redAndBlue(folder(), 9);
  const given = { images, size: 5, augment: { flip: 'both', shift: 1 } } as const;
  const numbers = async (memory?: number): Promise<[string | undefined, number[][], readonly string[]]> => {
    const source = await fromImages(given, { workers: 2, seed: 2, ...(memory !== undefined && { memory }) });
    const rows: number[][] = [];
    for (const part of ['train', 'validation', 'test'] as const) {
      for await (const { inputs, labels } of source.batches(part, { batchSize: 3, shuffle: 4 }).batches(1)) {
        for (const tensor of [inputs, labels] as tf.Tensor[]) rows.push([...tensor.dataSync()]);
        tf.dispose([inputs, labels]);
      }
    }
    return [source.fingerprint, rows, source.notes];
  };
  const [word, rows, notes] = await numbers();
  const [sameWord, same, told] = await numbers(1000); // 18 pictures are 1350 bytes
  expect([sameWord, same]).toEqual([word, rows]);
  expect(notes).toHaveLength(1);
  expect(told[1]).toBe('1350 bytes of them are kept in a file: they do not fit into memory');
});
