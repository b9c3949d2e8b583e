import { nestState, type StateArray, unnestState } from '@espalier/core';
import { expect, test } from 'vitest';

test('parts of one state keep their arrays and their JSON apart', () => {
  const [one, two, own] = [Float32Array.of(1), Float32Array.of(2), Float32Array.of(3)];
  const arrays: Record<string, StateArray> = { own };
  expect(nestState(arrays, 'a', { json: { at: 7 }, arrays: { sums: one } })).toEqual({ at: 7 });
  expect(nestState(arrays, 'ab', { json: 0, arrays: { sums: two } })).toBe(0);
  expect(nestState(arrays, 'none', undefined)).toBeNull();
  expect(nestState(arrays, 'bare', { json: 'only' })).toBe('only');
  expect(arrays).toEqual({ own, 'a\nsums': one, 'ab\nsums': two });
  expect(unnestState(arrays, 'a', { at: 7 })).toEqual({ json: { at: 7 }, arrays: { sums: one } });
  expect(unnestState(arrays, 'ab', 0)).toEqual({ json: 0, arrays: { sums: two } });
  expect(unnestState(arrays, 'none', null)).toEqual({ json: null, arrays: {} });
  expect(unnestState(undefined, 'a', 1)).toEqual({ json: 1, arrays: {} });
});
