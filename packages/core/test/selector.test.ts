import { kernels, type Parameter, parametersOf, selectParameters } from '@espalier/core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { isNamedBy } from '../src/selector.js';
import { codeOf } from './helpers.js';

const { layers } = tfl;

function model(): tfl.LayersModel {
  const encoder = tfl.sequential({
    name: 'encoder',
    layers: [layers.conv2d({ name: 'conv_1', filters: 2, kernelSize: 3, inputShape: [5, 5, 1] })],
  });
  const frozen = layers.dense({ name: 'frozen', units: 2 });
  const built = tfl.sequential({
    layers: [
      encoder,
      layers.flatten(),
      frozen,
      layers.batchNormalization({ name: 'bn' }),
      layers.dense({ name: 'a.b', units: 2 }),
      layers.dense({ name: 'axb', units: 2 }),
    ],
  });
  frozen.trainable = false;
  return built;
}

const parameters = parametersOf(model());
const names = (selected: readonly Parameter[]): string[] => selected.map((p) => p.name);
const select = (selector: Parameters<typeof selectParameters>[1]): string[] =>
  names(selectParameters(parameters, selector));

test('a pattern takes in what it names, or with a leading ! all else', () => {
  const by = (pattern: string): boolean[] =>
    ['head/kernel', 'head/bias'].map((name) => isNamedBy(pattern, { name } as Parameter));
  expect([by('*/bias'), by('!*/bias'), by('!head/*')]).toEqual([
    [false, true],
    [true, false],
    [false, false],
  ]);
});

describe('selectParameters', () => {
  test('a name', () => {
    expect(select('encoder/conv_1/kernel')).toEqual(['encoder/conv_1/kernel']);
  });

  test('* stays within a segment, ** crosses segments, ? is one character', () => {
    expect(select('*/kernel')).toEqual(['frozen/kernel', 'a.b/kernel', 'axb/kernel']);
    expect(select('**/kernel')).toEqual([
      'encoder/conv_1/kernel',
      'frozen/kernel',
      'a.b/kernel',
      'axb/kernel',
    ]);
    expect(select('a?b/bias')).toEqual(['a.b/bias', 'axb/bias']);
  });

  test('a dot in a name is no wildcard', () => {
    expect(select('a.b/kernel')).toEqual(['a.b/kernel']);
  });

  test('a list adds in order and takes away with !', () => {
    expect(select(['axb/*', 'a.b/kernel', '!axb/bias'])).toEqual(['a.b/kernel', 'axb/kernel']);
    expect(select(['!**/bias', '!bn/*'])).toEqual([
      'encoder/conv_1/kernel',
      'frozen/kernel',
      'a.b/kernel',
      'axb/kernel',
    ]);
  });

  test('a predicate', () => {
    expect(select((p) => p.role === 'statistic')).toEqual(['bn/moving_mean', 'bn/moving_variance']);
  });

  test('the default takes trainable kernels', () => {
    expect(select(kernels)).toEqual(['encoder/conv_1/kernel', 'a.b/kernel', 'axb/kernel']);
  });

  test('what matches nothing is an error with the nearest name', async () => {
    expect(() => select('encoder/conv_1/kernal')).toThrow("Did you mean 'encoder/conv_1/kernel'?");
    expect(await codeOf(() => select('encoder/conv_1/kernal'))).toBe('unknown-name');
    expect(await codeOf(() => select(['**/kernel', 'nothing*']))).toBe('unknown-name');
    expect(await codeOf(() => select(['**', '!nothing']))).toBe('unknown-name');
    expect(await codeOf(() => select(''))).toBe('unknown-name');
  });

  test('an empty selection is an error', async () => {
    expect(await codeOf(() => select(['**', '!**']))).toBe('invalid-option');
    expect(await codeOf(() => select([]))).toBe('invalid-option');
    expect(await codeOf(() => select(() => false))).toBe('invalid-option');
  });
});
