import {
  checkOneOf,
  checkOptions,
  checkRange,
  EspalierError,
  nearestName,
  unknownName,
} from '@espalier/core';
import { describe, expect, test } from 'vitest';
import { codeOf } from './helpers.js';

describe('EspalierError', () => {
  test('carries code, remedy and cause', () => {
    const cause = new Error('inner');
    const error = new EspalierError('bad-state', 'It broke.', { remedy: 'Mend it.', cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('EspalierError');
    expect(error.code).toBe('bad-state');
    expect(error.message).toBe('It broke.\n  Mend it.');
    expect(error.cause).toBe(cause);
  });
});

describe('nearestName', () => {
  test.each([
    ['kernal', 'kernel'],
    ['KERNEL', 'kernel'],
    ['bais', 'bias'],
    ['gama', 'gamma'],
    ['xyzzyxyzzy', undefined],
  ])('%s → %s', (typed, expected) => {
    expect(nearestName(typed, ['kernel', 'bias', 'gamma'])).toBe(expected);
  });

  test('nothing to choose from', () => {
    expect(nearestName('a', [])).toBeUndefined();
  });
});

test('unknownName lists what there is, and cuts a long list', () => {
  expect(unknownName('loss', 'mse', ['meanSquaredError', 'mae']).message).toBe(
    "There is no loss 'mse'.\n  Did you mean 'mae'? Known: meanSquaredError, mae.",
  );
  const many = Array.from({ length: 20 }, (_, i) => `name${i}`);
  expect(unknownName('name', 'qqqqqqqq', many).message).toContain('name11, … (20)');
  expect(unknownName('name', 'x', []).message).toContain('Known: none.');
});

test('checkOptions refuses what it does not know', async () => {
  checkOptions('agp', { final: 0.9 }, ['final', 'initial']);
  expect(await codeOf(() => checkOptions('agp', { finel: 0.9 }, ['final', 'initial']))).toBe(
    'unknown-option',
  );
  expect(() => checkOptions('agp', { finel: 0.9 }, ['final'])).toThrow("agp: there is no option 'finel'");
  expect(() => checkOptions('none', { a: 1 }, [])).toThrow('Options: none.');
});

test.each([Number.NaN, -0.1, 1.1, '0.5', undefined, null])('checkRange refuses %s', (value) => {
  expect(() => checkRange('level', 'sparsity', value, 0, 1)).toThrow(`level: sparsity is ${String(value)}.`);
});

test.each([0, 0.5, 1])('checkRange takes %s', (value) => {
  expect(() => checkRange('level', 'sparsity', value, 0, 1)).not.toThrow();
});

test("checkOneOf gives back one of an option's values, and refuses others with the nearest", async () => {
  expect(checkOneOf('nm', 'along', 'in', ['in', 'out'])).toBe('in');
  expect(checkOneOf('nm', 'axis', 1, [0, 1])).toBe(1);
  expect(await codeOf(() => checkOneOf('level', 'scope', 'globl', ['tensor', 'global']))).toBe(
    'invalid-option',
  );
  expect(() => checkOneOf('level', 'scope', 'globl', ['tensor', 'global'])).toThrow(
    "level: there is no scope 'globl'.\n  Did you mean 'global'? Known: tensor, global.",
  );
  expect(() => checkOneOf('level', 'scope', null, ['tensor'])).toThrow('there is no scope null.');
  expect(() => checkOneOf('level', 'scope', undefined, ['tensor'])).toThrow('there is no scope undefined.');
});
