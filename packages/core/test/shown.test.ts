import { shown } from '@espalier/core';
import { expect, test } from 'vitest';

test.each<[unknown, string]>([
  [1.5, '1.5'],
  ['a "b"', '"a \\"b\\""'],
  [null, 'null'],
  [undefined, 'undefined'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
  [12n, '12n'],
  [() => 1, 'a function'],
  [[undefined, () => 1, 2n ** 64n, Number.NaN], '[undefined,a function,18446744073709551616n,NaN]'],
  [{ a: undefined, b: { c: Number.POSITIVE_INFINITY } }, '{"a":undefined,"b":{"c":Infinity}}'],
])('a value in words, %#', (value, text) => {
  expect(shown(value)).toBe(text);
});

test('what is longer than 60 characters, or than is told, ends in an ellipsis within them', () => {
  expect(shown('x'.repeat(58))).toBe(`"${'x'.repeat(58)}"`);
  expect(shown('x'.repeat(59))).toBe(`"${'x'.repeat(58)}…`);
  expect(shown([1, 2, 3], 7)).toBe('[1,2,3]');
  expect(shown([1, 2, 3], 6)).toBe('[1,2,…');
});

test('what lies in itself has at least a kind', () => {
  const ring: Record<string, unknown> = {};
  ring.ring = ring;
  expect(shown(ring)).toBe('[object Object]');
});
