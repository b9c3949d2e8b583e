import '@tensorflow/tfjs-backend-cpu';
import { join } from 'node:path';
import { fromText } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { folder, write } from './made.js';

const home = folder();
const text = `${'The cat sat; the dog ran. '.repeat(30)}${'A strange new ending came, at last! '.repeat(5)}`;
write(join(home, 'book.txt'), text);

it('words are tokens: each place of a sequence has the word that follows, of the training split alone', async () => {
  const source = await fromText(
    { text: 'book.txt', unit: 'word', length: 4, validation: 0, test: 45 / 285 },
    { folder: home },
  );
  const { vocabulary } = source.encoding as { vocabulary: string[] };
  expect(vocabulary[0]).toBe('the');
  expect(vocabulary).toContain(';');
  expect(vocabulary).not.toContain('last'); // it is in the test alone
  const classes = ['(fill)', '(unknown)', ...vocabulary];
  expect(source.labels).toEqual([{ shape: [4, classes.length], classes }]);
  expect(source.characters).toBe(false);
  const words = (ids: tf.Tensor): string[] => [...ids.dataSync()].map((id) => classes[id]);
  const seen: string[] = [];
  for await (const batch of source.batches('train', { batchSize: 5 }).batches(0)) {
    const [inputs, labels] = [batch.inputs as tf.Tensor2D, batch.labels as tf.Tensor3D];
    const next = tf.argMax(labels, -1);
    for (let i = 0; i < inputs.shape[0]; i++) {
      const [given, wanted] = [tf.slice(inputs, [i, 0], [1, 4]), tf.slice(next, [i, 0], [1, 4])];
      expect(words(given).slice(1)).toEqual(words(wanted).slice(0, 3));
      seen.push(...words(given));
    }
  }
  expect(seen.slice(0, 9)).toEqual(['the', 'cat', 'sat', ';', 'the', 'dog', 'ran', '.', 'the']);
  const test: string[] = [];
  for await (const { inputs } of source.batches('test', { batchSize: 9 }).batches(0))
    test.push(...words(inputs as tf.Tensor));
  expect(test).toContain('(unknown)');
  expect(source.notes[0]).toMatch(/words to learn from; \d+ ids; of the test's words, [\d.]+ % are unknown/);
});

it('the vocabulary may be smaller, the order depends on (seed, epoch), and others are told apart', async () => {
  const options = { text: 'book.txt', unit: 'word', length: 4 } as const;
  const source = await fromText({ ...options, words: 3 }, { folder: home });
  expect(source.labels[0].shape).toEqual([4, 5]);
  const epoch = async (number: number): Promise<number[]> => {
    const ids: number[] = [];
    for await (const { inputs } of source.batches('train', { batchSize: 5, shuffle: 1 }).batches(number))
      ids.push(...(inputs as tf.Tensor).dataSync());
    return ids;
  };
  expect(await epoch(3)).toEqual(await epoch(3));
  expect(await epoch(3)).not.toEqual(await epoch(4));
  expect((await fromText(options, { folder: home })).fingerprint).not.toBe(source.fingerprint);
});

it.each([
  [{ unit: 'wrod' }, /unit is 'wrod'/],
  [{ words: 5 }, /text: next character: unknown option "words"/],
  [{ unit: 'word', field: 'x' }, /text: next word: unknown option "field"/],
  [{ unit: 'word', test: 2 }, /text: test is 2\./],
  [{ unit: 'word', test: 0.6, validation: 0.6 }, /validation is 0\.6, test is 0\.6/],
  [{ unit: 'word', words: 100_000, length: 0 }, /length is 0/],
])('%j is refused', async (options, says) => {
  await expect(fromText({ text: 'book.txt', ...options } as never, { folder: home })).rejects.toThrow(says);
});
