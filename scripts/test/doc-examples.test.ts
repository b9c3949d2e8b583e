import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { docExamples, exampleFile, writeDocExamples } from '../lib/doc-examples.mjs';

const examples = docExamples();

beforeAll(() => writeDocExamples(examples));

// All examples share TF.js's engine: each leaves it as it was.
beforeEach(async () => {
  if (tf.findBackend('cpu') !== null) await tf.setBackend('cpu');
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
  tf.disposeVariables();
});

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(20);
});

describe.each([...new Set(examples.map(({ file }) => file))])('%s', (file) => {
  test.each(examples.filter((example) => example.file === file))(
    'line $line',
    async (example) => {
      await import(/* @vite-ignore */ exampleFile(example));
    },
    60_000,
  );
});
