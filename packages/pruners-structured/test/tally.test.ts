import '@tensorflow/tfjs-backend-cpu';
import { type Moment, once, type PluginState, packState, readNow, unpackState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Tally } from '../src/criteria/tally.js';

const shapes = new Map([
  ['a', [2]],
  ['b', [2, 3]],
]);
const tally = (batches = 3, state?: PluginState, of = shapes): Tally => new Tally('test', batches, of, state);
const at = (over: Partial<Moment>): Moment => ({ ...once(), count: 9, ...over });
/** Steps that are wanted, of 0 to 29. */
const wanted = (one: Tally): number[] =>
  Array.from({ length: 30 }, (_, step) => step).filter((step) => one.wants(at({ step })));
const from = (first: number): number[] => Array.from({ length: 30 - first }, (_, i) => first + i);

/** Adds 1, 2 to `a` and six numbers from `first` on to `b`. */
const see = (one: Tally, first: number): void =>
  tf.tidy(() =>
    one.add([
      ['a', tf.tensor1d([1, 2])],
      ['b', tf.reshape(tf.range(first, first + 6), [2, 3])],
    ]),
  );
const saved = (one: Tally): PluginState =>
  unpackState(packState({ json: null, ...(one.save(readNow) as PluginState) }));
const numbers = (one: Tally, name: string): number[] | undefined => {
  const sum = one.sum(name);
  return sum && [...sum.dataSync()];
};

describe('a tally', () => {
  it('wants the last steps before a firing', () => {
    const one = tally();
    expect(wanted(one)).toEqual([]);
    one.fired(at({ step: 10, stepsPerEpoch: 8, every: 1 }));
    expect(wanted(one)).toEqual(from(15));
    // More than there are between two firings: all of them.
    const many = tally(20);
    many.fired(at({ step: 10, stepsPerEpoch: 8, every: 1 }));
    expect(wanted(many)).toEqual(from(10));
    // Half an epoch of five steps is three steps, rounded.
    const half = tally(1);
    half.fired(at({ step: 10, stepsPerEpoch: 5, every: 0.5 }));
    expect(wanted(half)).toEqual(from(12));
  });

  it('wants nothing after the last firing', () => {
    const one = tally();
    one.fired(at({ step: 10, stepsPerEpoch: 8, index: 7 }));
    expect(wanted(one)).toEqual(from(15));
    one.fired(at({ step: 18, stepsPerEpoch: 8, index: 8 }));
    expect(wanted(one)).toEqual([]);
  });

  it('adds up by name until a firing, and frees what it held', () => {
    const before = tf.memory().numTensors;
    const one = tally();
    expect([one.seen, one.sum('a')]).toEqual([0, undefined]);
    see(one, 0);
    see(one, 10);
    expect(one.seen).toBe(2);
    expect(numbers(one, 'a')).toEqual([2, 4]);
    expect(numbers(one, 'b')).toEqual([10, 12, 14, 16, 18, 20]);
    expect(one.sum('b')!.shape).toEqual([2, 3]);
    expect(tf.memory().numTensors).toBe(before + 2);
    one.fired(at({ step: 10, stepsPerEpoch: 8 }));
    expect([one.seen, one.sum('a')]).toEqual([0, undefined]);
    expect(tf.memory().numTensors).toBe(before);
    see(one, 0);
    one.restart();
    expect([one.seen, one.sum('b')]).toEqual([0, undefined]);
    expect(wanted(one)).toEqual([]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('goes on from what it has saved', () => {
    const one = tally();
    one.fired(at({ step: 10, stepsPerEpoch: 8 }));
    const early = tally(3, saved(one));
    expect(wanted(early)).toEqual(from(15));
    expect(early.seen).toBe(0);
    see(one, 0);
    const late = tally(3, saved(one));
    for (const each of [one, late]) see(each, 20);
    expect(late.seen).toBe(2);
    expect(wanted(late)).toEqual(from(15));
    expect(numbers(late, 'a')).toEqual([2, 4]);
    expect(numbers(late, 'b')).toEqual(numbers(one, 'b'));
    expect(late.sum('b')!.shape).toEqual([2, 3]);
    one.restart();
    expect(wanted(tally(3, saved(one)))).toEqual([]);
    late.restart();
  });

  it('takes nothing of sums of other shapes, which were seen of other structures', () => {
    const one = tally();
    one.fired(at({ step: 10, stepsPerEpoch: 8 }));
    see(one, 0);
    for (const own of [[6], [3, 2]]) {
      // As many numbers are taken for the same.
      const same = tally(3, saved(one), new Map([['b', own]]));
      expect([same.seen, same.sum('b')!.shape]).toEqual([1, own]);
      same.restart();
    }
    for (const [name, own] of [
      ['b', [5]],
      ['b', [2, 4]],
      ['c', [2]],
    ] as const) {
      const other = tally(3, saved(one), new Map([...shapes, [name, [...own]]]));
      expect([other.seen, other.sum('a'), wanted(other)]).toEqual([0, undefined, []]);
    }
    one.restart();
  });

  it.each([{}, { json: null }, { json: { from: 3 } }])('refuses the state %j, which has no sums', (state) => {
    expect(() => tally(3, state)).toThrow(expect.objectContaining({ code: 'bad-state' }));
  });
});
