import { describe, expect, it } from 'vitest';
import { Atoms } from '../src/graph/atoms.js';

const list = (...numbers: number[]): Int32Array => Int32Array.from(numbers);

describe('atoms', () => {
  it('are classes of their own, numbered on', () => {
    const atoms = new Atoms();
    expect(atoms.fresh(3)).toEqual(list(0, 1, 2));
    expect(atoms.fresh(0)).toEqual(list());
    expect(atoms.fresh(2)).toEqual(list(3, 4));
    expect(atoms.classes(list(4, 0, 3))).toEqual(list(4, 0, 3));
  });

  it('that are joined are one class, named by the oldest', () => {
    const atoms = new Atoms();
    atoms.fresh(8);
    atoms.join(5, 3);
    atoms.join(6, 7);
    expect([3, 5, 6, 7].map((a) => atoms.find(a))).toEqual([3, 3, 6, 6]);
    atoms.join(7, 5);
    atoms.join(5, 7);
    expect([3, 5, 6, 7].map((a) => atoms.find(a))).toEqual([3, 3, 3, 3]);
    atoms.union(list(0, 7), list(4, 1));
    expect([...atoms.classes(list(0, 1, 2, 3, 4, 5, 6, 7))]).toEqual([0, 1, 2, 1, 0, 1, 1, 1]);
    expect(() => atoms.union(list(1, 2), list(3))).toThrow('2 channels cannot be tied to 1');
  });

  it('stay for the first reason that their class was given, whoever joins it', () => {
    const atoms = new Atoms();
    atoms.fresh(8);
    expect(atoms.reason(0)).toBeUndefined();
    atoms.protect(list(2, 3), 'first');
    atoms.protect(list(3, 4), 'second');
    expect([1, 2, 3, 4].map((a) => atoms.reason(a))).toEqual([undefined, 'first', 'first', 'second']);
    // The reason of either goes over to both; of two, that of the older one.
    atoms.join(1, 4);
    expect([1, 4].map((a) => atoms.reason(a))).toEqual(['second', 'second']);
    atoms.join(2, 5);
    expect(atoms.reason(5)).toBe('first');
    atoms.join(4, 2);
    expect([1, 2, 4, 5].map((a) => atoms.reason(a))).toEqual(Array(4).fill('second'));
    atoms.join(6, 7);
    expect(atoms.reason(7)).toBeUndefined();
    atoms.protect(list(6), 'late');
    atoms.protect(list(7), 'later');
    expect(atoms.reason(7)).toBe('late');
  });
});
