import {
  cosineRate,
  type EpochMetrics,
  exponentialRate,
  type LearningRateSchedule,
  multiStepRate,
  plateauRate,
  polynomialRate,
  stepRate,
} from '@espalier/core';
import { describe, expect, test } from 'vitest';
import { close, codeOf } from './helpers.js';

const over = (rate: LearningRateSchedule, epochs: readonly number[], of = 10): number[] =>
  epochs.map((epoch) => rate({ epoch, epochs: of, history: [] }));

describe('learning rates', () => {
  test('step', () => {
    close(
      over(stepRate({ initial: 1, every: 3, factor: 0.5 }), [0, 2.99, 3, 6, 9]),
      [1, 1, 0.5, 0.25, 0.125],
      1e-12,
    );
  });

  test('multiStep', () => {
    const at = [0, 2, 4.5, 5, 9];
    close(
      over(multiStepRate({ initial: 1, milestones: [2, 5], factors: 0.1 }), at),
      [1, 0.1, 0.1, 0.01, 0.01],
      1e-12,
    );
    close(
      over(multiStepRate({ initial: 1, milestones: [2, 5], factors: [0.1, 2] }), at),
      [1, 0.1, 0.1, 0.2, 0.2],
      1e-12,
    );
  });

  test('exponential', () => {
    close(over(exponentialRate({ initial: 2, factor: 0.9 }), [0, 0.5, 1, 3]), [2, 2, 1.8, 1.458], 1e-12);
  });

  test('polynomial', () => {
    close(over(polynomialRate({ initial: 1 }), [0, 2.5, 5, 10]), [1, 0.75, 0.5, 0], 1e-12);
    close(over(polynomialRate({ initial: 1, final: 0.5, power: 2 }), [0, 5, 10]), [1, 0.625, 0.5], 1e-12);
  });

  test('cosine with a warm-up', () => {
    const rate = cosineRate({ initial: 1, final: 0.2, warmup: 2 });
    close(over(rate, [2, 6, 10]), [1, 0.6, 0.2], 1e-12);
    const warm = over(rate, [0, 0.5, 1, 1.5]);
    expect(warm[0]).toBeGreaterThan(0);
    expect(warm.every((r, i) => i === 0 || r > warm[i - 1])).toBe(true);
  });

  test('a warm-up is a line to the initial rate that does not begin at 0', () => {
    const rate = cosineRate({ initial: 2, warmup: 4 });
    close(over(rate, [0, 1, 2, 3.5]), [0.0005, 0.5005, 1.0005, 1.7505], 1e-12);
    close(over(rate, [4, 7, 10]), [2, 1, 0], 1e-12);
    // Halves of a half cosine: cos(π/4) and cos(3π/4).
    close(over(cosineRate({ initial: 1 }), [2.5, 7.5]), [0.8535533905932737, 0.14644660940672627], 1e-12);
    // A stage that ends with its warm-up, and one without any.
    close(over(cosineRate({ initial: 1, warmup: 10 }), [9.999, 10]), [1, 1], 1e-12);
    expect(over(cosineRate({ initial: 1 }), [0])).toEqual([1]);
  });

  test('plateau by default: a tenth after more than ten epochs without a lower validation loss', () => {
    const history = (n: number, own: (epoch: number) => Partial<EpochMetrics>): EpochMetrics[] =>
      Array.from({ length: n }, (_, epoch) => ({
        ...{ epoch, loss: 1, penalty: 0, learningRate: 0, sparsity: 0, seconds: 0 },
        ...own(epoch),
      }));
    const at = (of: EpochMetrics[], more = {}): number =>
      plateauRate({ initial: 1, ...more })({ epoch: of.length, epochs: 99, history: of });
    const stuck = (n: number) => history(n, (epoch) => ({ validationLoss: 1, loss: -epoch }));
    expect([1, 11, 12, 22, 23].map((n) => at(stuck(n)))).toEqual([1, 1, 0.1, 0.1, 0.1 * 0.1]);
    // Without validation the loss counts.
    expect(at(history(12, (epoch) => ({ loss: -epoch })))).toBe(1);
    expect(at(history(12, () => ({})))).toBe(0.1);
    expect(at(stuck(40), { minimum: 0.3 })).toBe(0.3);
    // Improvements of minDelta or less are none.
    const slow = history(4, (epoch) => ({ validationLoss: 2 - epoch / 4 }));
    expect(at(slow, { patience: 0, minDelta: 0.25, factor: 0.5 })).toBe(0.25);
    expect(at(slow, { patience: 0, minDelta: 0.24, factor: 0.5 })).toBe(1);
    // The best is the last that counted: three steps of 1/4 are more than 0.6.
    expect(at(slow, { patience: 2, minDelta: 0.6, factor: 0.5 })).toBe(1);
  });

  test('plateau waits for patience to run out, and again after each cut', () => {
    const history: EpochMetrics[] = [];
    const rate = plateauRate({ initial: 1, factor: 0.5, patience: 1, metric: 'loss', minimum: 0.2 });
    const seen = [3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1].map((loss, epoch) => {
      history.push({ epoch, loss, penalty: 0, learningRate: 0, sparsity: 0, seconds: 0 });
      return rate({ epoch, epochs: 20, history });
    });
    expect(seen).toEqual([1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2]);
  });

  test('plateau on accuracy wants it to rise', () => {
    const history = [0.5, 0.6, 0.7].map((validationAccuracy, epoch) => ({
      epoch,
      loss: 1,
      penalty: 0,
      learningRate: 0,
      sparsity: 0,
      seconds: 0,
      validationAccuracy,
    }));
    const rate = plateauRate({ initial: 1, patience: 0, metric: 'validationAccuracy' });
    const more = plateauRate({ initial: 1, patience: 0, metric: 'validationAccuracy', minDelta: 0.15 });
    expect(more({ epoch: 2, epochs: 9, history: history.slice(0, 2) })).toBe(0.1); // 0.1 more is too little
    expect(rate({ epoch: 3, epochs: 9, history })).toBe(1);
    const stuck = [...history, { ...history[0], epoch: 3 }];
    expect(rate({ epoch: 4, epochs: 9, history: stuck })).toBeCloseTo(0.1, 12);
  });

  test.each<[string, () => unknown, string]>([
    [
      'an unknown option',
      () => stepRate({ initial: 1, every: 1, factor: 1, gamma: 2 } as never),
      'unknown-option',
    ],
    ...[
      () => stepRate({ initial: 0, every: 1, factor: 1 }),
      () => multiStepRate({ initial: 0, milestones: [1], factors: 1 }),
      () => exponentialRate({ initial: 0, factor: 1 }),
      () => polynomialRate({ initial: 0 }),
      () => cosineRate({ initial: 0 }),
      () => plateauRate({ initial: 0 }),
    ].map((make, i): [string, () => unknown, string] => [`a rate of 0 (${i})`, make, 'invalid-option']),
    ...[
      () => multiStepRate({ initial: 1, milestones: [1], factors: 1, gamma: 1 } as never),
      () => exponentialRate({ initial: 1, factor: 1, gamma: 1 } as never),
      () => polynomialRate({ initial: 1, gamma: 1 } as never),
      () => cosineRate({ initial: 1, gamma: 1 } as never),
      () => plateauRate({ initial: 1, gamma: 1 } as never),
    ].map((make, i): [string, () => unknown, string] => [`a stray option (${i})`, make, 'unknown-option']),
    ['a negative rate', () => cosineRate({ initial: -1 }), 'invalid-option'],
    ['a missing rate', () => exponentialRate({ factor: 0.5 } as never), 'invalid-option'],
    ['a step of no epochs', () => stepRate({ initial: 1, every: 0, factor: 0.5 }), 'invalid-option'],
    [
      'too few factors',
      () => multiStepRate({ initial: 1, milestones: [1, 2], factors: [1] }),
      'invalid-option',
    ],
  ])('%s is refused', async (_, make, code) => {
    expect(await codeOf(make)).toBe(code);
  });
});
