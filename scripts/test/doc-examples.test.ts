import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { docExamples } from '../lib/doc-examples.mjs';
import { root } from '../lib/run.mjs';

// Modules of their own, in a folder from which all packages can be found; vite makes them use the sources.
const folder = join(root, '.cache', 'doc-examples');
const examples = docExamples();

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
});

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
    async ({ line, code }) => {
      const path = join(folder, `${file.replace(/\W+/g, '-')}-${line}.ts`);
      writeFileSync(path, `${code}\nexport {};\n`);
      await import(/* @vite-ignore */ path);
    },
    20_000,
  );
});
