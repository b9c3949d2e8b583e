import { isPruner, once, type Pruner, progress } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { l1, l2 } from '../src/index.js';
import { checkGradient, gradientOf, penalising, penaltyOf, read, set, zoo } from './gradients.js';

describe.each([
  ['l1', l1, (w: number) => Math.abs(w)],
  ['l2', l2, (w: number) => w * w],
] as const)('%s', (name, make, f) => {
  it('has the value and the gradient of its formula, each tensor with its strength', () => {
    const run = zoo();
    const of = run.select(['conv/kernel', 'lstm/*', 'fc/kernel']);
    const session = penalising(make({ strength: { '**': 0.1, 'fc/kernel': 0.3, 'lstm/*': 2 } }), of);
    const expected = of.reduce((total, p) => {
      const strength = p.name === 'fc/kernel' ? 0.3 : 0.1; // the first glob that matches counts
      return total + strength * read(p).reduce((sum, w) => sum + f(w), 0);
    }, 0);
    expect(penaltyOf(session)).toBeCloseTo(expected, 4);
    checkGradient(session, of);
  });

  it('asks a strength that is a function at every step', () => {
    const [p] = zoo().select('fc/bias');
    const session = penalising(make({ strength: (_, at) => 3 * progress(at) }), [p]);
    const at = (index: number) => ({ at: { ...once(), index, count: 4 } });
    const whole = f(1) * 5;
    set(p, [1, 1, 1, 1, 1]);
    for (const [index, strength] of [0, 1, 2, 3].entries()) {
      const { value, gradients } = session.penalty(at(index));
      expect(value.dataSync()[0]).toBeCloseTo(strength * whole, 5);
      expect(gradients.get(p.variable)!.dataSync()[0]).toBeCloseTo(strength * (name === 'l1' ? 1 : 2), 5);
    }
    expect(() => penalising(make({ strength: () => -1 }), [p])).toThrow('strength of fc/bias is -1');
  });

  it('has gradient 0 at 0', () => {
    const run = zoo();
    const [p] = run.select('fc/bias');
    set(p, [0, 0, 1, -1, 0]);
    const [g] = gradientOf(penalising(make({ strength: 0.5 }), [p]), [p]);
    expect([g[0], g[1], g[4]].map((x) => x + 0)).toEqual([0, 0, 0]);
  });

  it('prunes below its threshold for good, and is no pruner without one', () => {
    const run = zoo();
    const [p] = run.select('fc/bias');
    set(p, [0.1, -0.2, 0.3, -0.4, 0.2]);
    const plugin = make({ strength: 1, threshold: Math.fround(0.2) });
    run.prune(plugin as Pruner, 'fc/bias');
    expect(read(p).map((w) => Number(w !== 0))).toEqual([0, 0, 1, 1, 0]);
    expect([plugin, make({ strength: 1 })].map(isPruner)).toEqual([true, false]);
    expect('masks' in penalising(make({ strength: 1 }), [p])).toBe(false);
    run.dispose();
  });

  it('refuses what it cannot honour', () => {
    expect(() => make({ strength: -1 })).toThrow('strength is -1');
    expect(() => make({} as never)).toThrow('strength is undefined');
    expect(() => make({ strength: 1, treshold: 1 } as never)).toThrow("Did you mean 'threshold'?");
    expect(() => make({ strength: 1, threshold: -1 })).toThrow('threshold is -1');
    const of = zoo().select('fc/*');
    expect(() => penalising(make({ strength: { 'fc/kernel': 1 } }), of)).toThrow('no value for fc/bias');
    expect(() => penalising(make({ strength: { 'fc/kernl': 1 } }), of)).toThrow("Did you mean 'fc/kernel'?");
  });
});
