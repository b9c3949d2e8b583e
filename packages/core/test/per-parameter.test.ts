import { describe, expect, it } from 'vitest';
import { once, type Parameter, perParameter, progress } from '../src/index.js';

const named = (name: string): Parameter => ({ name, size: 4 }) as unknown as Parameter;

describe('perParameter', () => {
  it('asks a function for each parameter at the moment, and checks what it says', () => {
    const of = [named('a/kernel'), named('b/kernel')];
    const at = { ...once(), index: 1, count: 3 };
    const own = (p: Parameter, now = once()): number => (p.size / 4) * progress(now);
    expect([...perParameter('mine', 's', own, of, [0, 1], at).values()]).toEqual([0.5, 0.5]);
    expect([...perParameter('mine', 's', own, of, [0, 1]).values()]).toEqual([1, 1]);
    expect(() => perParameter('mine', 's', () => 2, of, [0, 1], at)).toThrow('s of a/kernel is 2');
    expect(() => perParameter('mine', 's', () => undefined as never, of)).toThrow('no value for a/kernel');
  });
});
