import { type Losses, type Metric, type Metrics, resolveLosses, resolveMetrics } from '@espalier/core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, describe, expect, test } from 'vitest';
import { watching } from '../src/internal/watching.js';
import { codeOf, dense } from './helpers.js';

const input = tfl.input({ shape: [2] });
const model = tfl.model({
  inputs: input,
  outputs: [
    dense('kind', 3, 1, { activation: 'softmax' }).apply(input) as tfl.SymbolicTensor,
    dense('size', 1, 2).apply(input) as tfl.SymbolicTensor,
  ],
});
afterAll(() => {
  model.dispose();
});
const losses: Losses = { kind: 'categoricalCrossentropy', size: 'huber' };

const metric = (name: string, refuses?: Metric['refuses']): Metric => ({
  name,
  ...(refuses && { refuses }),
  start: () => ({ look: () => [], add: () => {}, value: () => 0 }),
});
const any = metric('any');
const classes = metric('classes', (task) => (task === 'classes' ? undefined : 'there are no classes'));
const wide = metric('wide', (_, shape) => (shape.at(-1) === 3 ? undefined : `it is ${shape.at(-1)} wide`));
const never = metric('never', (task, shape) => `it is of ${task} in [${shape}]`);

const namesOf = (metrics: Metrics): string[][] =>
  resolveMetrics(metrics, model, resolveLosses(losses, model)).map((list) => list.map(({ name }) => name));

describe('the metrics of each output', () => {
  test('of a list: those that fit it', () => {
    expect(namesOf([any, classes, wide])).toEqual([['any', 'classes', 'wide'], ['any']]);
    expect(namesOf([])).toEqual([[], []]);
  });

  test('by the names of outputs: those that are named there', () => {
    expect(namesOf({ size: [any], kind: [wide, any] })).toEqual([['wide', 'any'], ['any']]);
    expect(namesOf({ size: [any] })).toEqual([[], ['any']]);
  });

  test.each<[Metrics, string, string]>([
    [[any, never], 'invalid-option', 'The metric never does not fit: it is of classes in [,3]'],
    [{ size: [any, wide] }, 'invalid-option', 'The metric wide does not fit: it is 1 wide'],
    [[any, wide, any], 'invalid-option', "two metrics 'any'"],
    [{ kind: [any], size: [classes, classes] }, 'invalid-option', "two metrics 'classes'"],
    [{ kind: [any], sise: [any] }, 'unknown-name', "'size'"],
  ])('refuses what does not fit, is there twice or is no output: %#', async (metrics, code, message) => {
    expect(() => namesOf(metrics)).toThrow(message);
    expect(await codeOf(() => namesOf(metrics))).toBe(code);
  });
});

describe('a number that is followed', () => {
  const lower: Metric = { ...any, better: 'lower' };
  const higher: Metric = { ...classes, better: 'higher' };
  const metrics = { kind: [higher], size: [lower] };

  test.each<[string, Parameters<typeof watching>[1], 'higher' | 'lower']>([
    ['size/any', { metrics }, 'lower'],
    ['kind/classes', { metrics }, 'higher'],
    ['classes', { metrics }, 'higher'],
    ['kind/any', { metrics: [lower, higher] }, 'lower'], // one list for all outputs
    ['any', { metrics: [any], goal: { metric: 'any', better: 'higher' } }, 'higher'],
    ['any', { metrics: [lower], goal: { metric: 'classes', better: 'higher' } }, 'lower'],
  ])('%s is better as its metric or the goal says', (name, options, better) => {
    expect(watching(name, options).better).toBe(better);
  });

  test.each([
    ['other', 'unknown-name'],
    ['kind/other', 'unknown-name'],
    ['any', 'invalid-option'],
  ])('%s is refused', async (name, code) => {
    expect(await codeOf(() => watching(name, { metrics: [any] }))).toBe(code);
  });
});
