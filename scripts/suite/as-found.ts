import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect } from 'vitest';

const environment = { ...process.env };
const folder = process.cwd();
const backends = (): string[] => Object.keys(tf.engine().registryFactory).filter((name) => name !== 'cpu');
const before = backends();

/** Files that share a process leave it as they found it; one that cannot is told from them in `files.ts`. */
afterAll(() => {
  const alone =
    'a file of tests that registers a backend needs a process of its own: see scripts/suite/files.ts';
  expect(backends(), alone).toEqual(before);
  expect(process.cwd()).toBe(folder);
  expect({ ...process.env }).toEqual(environment);
});
