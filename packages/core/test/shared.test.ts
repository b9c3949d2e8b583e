import './helpers.js';
import {
  agpSparsity,
  checkPerParameter,
  once,
  type Parameter,
  parametersOf,
  perParameter,
  settingOf,
  untaped,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { codeOf, perceptron } from './helpers.js';

// What plugin packages share.

describe('the sparsity of gradual pruning', () => {
  const at = (index: number, count: number) => ({ ...once(), index, count });

  test('goes from the first to the last value along (1 - t)³', () => {
    // s_f + (s_i - s_f)(1 - t)³ by hand, t = 0, 1/4, 1/2, 3/4, 1.
    const rest = [1, 27 / 64, 1 / 8, 1 / 64, 0];
    for (const [i, r] of rest.entries())
      expect(agpSparsity(0.1, 0.9, 3, at(i, 5))).toBeCloseTo(0.9 - 0.8 * r, 12);
  });

  test('linear with power 1; the last value where it fires once', () => {
    expect(agpSparsity(0.2, 0.6, 1, at(1, 3))).toBeCloseTo(0.4, 12);
    expect(agpSparsity(0.2, 0.6, 3, once())).toBe(0.6);
  });
});

describe('options by parameter', () => {
  let of: readonly Parameter[];
  beforeAll(() => {
    of = parametersOf(perceptron());
  });
  const name = (i: number): string => of[i].name;

  test('a full name wins over a glob, and the first glob over those after it', () => {
    const values = { '**/kernel': 0.1, 'hidden/*': 0.2, 'hidden/kernel': 0.3, '**': 0.4 };
    const found = perParameter('mine', 'share', values, of, [0, 1]);
    expect([...found].map(([p, v]) => [p.name, v])).toEqual([
      ['hidden/kernel', 0.3],
      ['hidden/bias', 0.2],
      ['out/kernel', 0.1],
      ['out/bias', 0.4],
    ]);
  });

  test('a number is for all; a function sees the parameter and the moment', () => {
    expect([...perParameter('mine', 'share', 0.5, of, [0, 1]).values()]).toEqual([0.5, 0.5, 0.5, 0.5]);
    const grows = (p: Parameter, { index }: { index: number }): number => p.size * 10 + index;
    expect(settingOf(grows, of[1], { ...once(), index: 2, count: 3 })).toBe(52);
    const values = perParameter('mine', 'share', grows, of, undefined, { ...once(), index: 1, count: 3 });
    expect([...values.values()]).toEqual([301, 51, 151, 31]);
  });

  test('ends of a range belong to it, what is beyond does not', async () => {
    for (const value of [0, 1]) expect(perParameter('mine', 'share', value, of, [0, 1]).size).toBe(4);
    for (const value of [-0.01, 1.01, Number.NaN]) {
      expect(await codeOf(() => perParameter('mine', 'share', value, of, [0, 1]))).toBe('invalid-option');
    }
  });

  test('a name of nothing and a parameter without a value are refused', async () => {
    expect(await codeOf(() => perParameter('mine', 'share', { 'hiden/kernel': 1, '**': 0 }, of))).toBe(
      'unknown-name',
    );
    expect(await codeOf(() => perParameter('mine', 'share', { [name(0)]: 1 }, of))).toBe('invalid-option');
    expect(() => perParameter('mine', 'share', { [name(0)]: 1 }, of)).toThrow(`no value for ${name(1)}`);
  });

  test('what can be checked before is: each value of a map, not a function', async () => {
    for (const good of [0, 1, { a: 0.5, b: 1 }, () => 9]) {
      expect(() => checkPerParameter('mine', 'share', good, [0, 1])).not.toThrow();
    }
    for (const bad of [-1, 1.5, Number.POSITIVE_INFINITY, '1', null, [0.5], { a: 0.5, b: 2 }, undefined]) {
      expect(await codeOf(() => checkPerParameter('mine', 'share', bad, [0, 1]))).toBe('invalid-option');
    }
    expect(await codeOf(() => checkPerParameter('mine', 'x', Number.POSITIVE_INFINITY, [0, Infinity]))).toBe(
      'invalid-option',
    );
  });
});

test('what is untaped is constant, what follows it is not, also when it throws', () => {
  const slope = tf.grad((x) =>
    tf.add(
      tf.mul(x, 3),
      untaped(() => tf.square(x)),
    ),
  )(tf.scalar(4));
  expect(slope.dataSync()[0]).toBe(3);
  expect(() =>
    untaped(() => {
      throw new Error('stop');
    }),
  ).toThrow('stop');
  expect(
    tf
      .grad((x) => tf.square(x))(tf.scalar(4))
      .dataSync()[0],
  ).toBe(8);
});
