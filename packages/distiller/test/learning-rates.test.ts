import { exponentialRate, type LearningRateSchedule, multiStepRate, stepRate } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { rateForm } from '../src/learning-rates.js';
import { imported, said, type TrainStage } from './schedule.js';

/** What the words of recipes are in code: those that rows of rates are written with. */
const written: Readonly<Record<string, (options: never) => LearningRateSchedule>> = {
  exponential: exponentialRate,
  step: stepRate,
  multiStep: multiStepRate,
};

const schedule = (definition: string, time: string): string => `
lr_schedulers:
  lr: { ${definition} }
policies:
  - lr_scheduler: { instance_name: lr }
    ${time}
`;
const range = (start: number, end: number, every = 1): string =>
  `starting_epoch: ${start}\n    ending_epoch: ${end}\n    frequency: ${every}`;

/** The rates that the recipe gives, epoch by epoch over all its stages. */
function rates(yaml: string, epochs: number, learningRate = 1): number[] {
  const { recipe } = imported(yaml, { epochs, learningRate });
  return (recipe.stages as TrainStage[]).flatMap((stage) => {
    if (stage.epochs === undefined) return [];
    const rate = stage.learningRate!;
    const [[name, options]] = typeof rate === 'number' ? [['', rate]] : Object.entries(rate);
    return Array.from({ length: stage.epochs }, (_, epoch) =>
      typeof rate === 'number'
        ? rate
        : written[name](options as never)({ epoch, epochs: stage.epochs, history: [] }),
    );
  });
}
const close = (found: readonly number[], wanted: readonly number[]): void => {
  expect(found).toHaveLength(wanted.length);
  for (const [i, rate] of wanted.entries()) expect(found[i] / rate).toBeCloseTo(1, 8);
};

// PyTorch's closed forms, written out by hand for a rate of 1.
describe('the rate of each epoch is that of Distiller', () => {
  it.each([
    ['StepLR', 'class: StepLR, step_size: 2, gamma: 0.5', [1, 1, 0.5, 0.5, 0.25, 0.25]],
    ['StepLR, gamma 0.1 by default', 'class: StepLR, step_size: 4', [1, 1, 1, 1, 0.1, 0.1]],
    ['MultiStepLR', 'class: MultiStepLR, milestones: [1, 3], gamma: 0.5', [1, 0.5, 0.5, 0.25, 0.25, 0.25]],
    [
      'MultiStepMultiGammaLR',
      'class: MultiStepMultiGammaLR, milestones: [2, 4], gammas: [0.1, 0.2]',
      [1, 1, 0.1, 0.1, 0.02, 0.02],
    ],
    ['ExponentialLR', 'class: ExponentialLR, gamma: 0.9', [1, 0.9, 0.81, 0.729, 0.6561, 0.59049]],
    ['PolynomialLR', 'class: PolynomialLR, T_max: 10, power: 2', [1, 0.81, 0.64, 0.49, 0.36, 0.25]],
    [
      'CosineAnnealingLR',
      'class: CosineAnnealingLR, T_max: 4, eta_min: 0.2',
      [1, 0.8828427, 0.6, 0.3171573, 0.2, 0.3171573],
    ],
    [
      'CosineAnnealingWarmRestarts',
      'class: CosineAnnealingWarmRestarts, T_0: 2, T_mult: 2',
      [1, 0.5, 1, 0.8535534, 0.5, 0.1464466],
    ],
    ['ConstantLR', 'class: ConstantLR, factor: 0.5, total_iters: 3', [0.5, 0.5, 0.5, 1, 1, 1]],
    ['LinearLR', 'class: LinearLR, start_factor: 0.2, total_iters: 4', [0.2, 0.4, 0.6, 0.8, 1, 1]],
  ])('%s', (_, definition, wanted) => {
    const found = rates(schedule(definition, range(0, 6)), 6);
    for (const [i, rate] of wanted.entries()) expect(found[i]).toBeCloseTo(rate, 6);
  });

  it('counted from epoch 0 wherever the policy starts, and still after its end', () => {
    const yaml = schedule('class: ExponentialLR, gamma: 0.9', range(2, 4));
    close(rates(yaml, 7), [1, 1, 1, 0.9 ** 3, 0.9 ** 4, 0.9 ** 4, 0.9 ** 4]);
    expect(said(imported(yaml, { epochs: 7 }), 'defect')).toEqual([
      expect.stringMatching(/3:7 the formula counts from epoch 0, not from epoch 2/),
    ]);
  });

  it('only in the scheduled epochs', () => {
    close(rates(schedule('class: ExponentialLR, gamma: 0.9', range(0, 6, 3)), 6), [
      1,
      0.9,
      0.9,
      0.9,
      0.9 ** 4,
      0.9 ** 4,
    ]);
    close(
      rates(schedule('class: ExponentialLR, gamma: 0.9', 'epochs: [1, 2]'), 5),
      [1, 1, 0.81, 0.729, 0.729],
    );
  });

  it('without a jump nothing is said', () => {
    const yaml = schedule('class: StepLR, step_size: 45', range(30, 60));
    expect(said(imported(yaml, { epochs: 60 }), 'defect')).toEqual([]);
  });

  it('down to nothing, but never to 0', () => {
    const yaml = schedule('class: PolynomialLR, T_max: 2, power: 1', range(0, 4));
    const found = rates(yaml, 4);
    close(found.slice(0, 2), [1, 0.5]);
    expect(Math.max(...found.slice(2))).toBeLessThan(1e-11);
    expect(said(imported(yaml), 'changed')).toEqual([expect.stringContaining('reaches 0')]);
  });

  it('of two schedules, the last one that steps', () => {
    const yaml = `
lr_schedulers:
  a: { class: ExponentialLR, gamma: 0.9 }
  b: { class: StepLR, step_size: 1, gamma: 0.5 }
policies:
  - { lr_scheduler: { instance_name: a }, starting_epoch: 0, ending_epoch: 6, frequency: 1 }
  - { lr_scheduler: { instance_name: b }, epochs: [1, 2] }
`;
    close(rates(yaml, 5), [1, 0.9, 0.25, 0.125, 0.9 ** 4]);
  });

  it('across stages', () => {
    const yaml = `
extensions:
  thinner: { class: FilterRemover, thinning_func_str: remove_filters, arch: a, dataset: d }
${schedule('class: ExponentialLR, gamma: 0.9', range(0, 9))}
  - { extension: { instance_name: thinner }, epochs: [2] }
`;
    close(rates(yaml, 6), [1, 0.9, 0.81, 0.729, 0.9 ** 4, 0.9 ** 5]);
  });
});

describe('a row of rates is written as shortly as can be', () => {
  it.each([
    [[0.1, 0.1, 0.1], 0.1],
    [[1, 0.5, 0.25], { exponential: { initial: 1, factor: 0.5 } }],
    [[1, 1, 0.5, 0.5, 0.25], { step: { initial: 1, every: 2, factor: 0.5 } }],
    [[1, 1, 1, 0.1], { step: { initial: 1, every: 3, factor: 0.1 } }],
    [[1, 0.5, 0.5], { multiStep: { initial: 1, milestones: [1], factors: 0.5 } }],
    [[1, 0.5, 0.1], { multiStep: { initial: 1, milestones: [1, 2], factors: [0.5, 0.2] } }],
  ])('%j', (rates, form) => expect(rateForm(rates)).toEqual(form));
});

describe('ReduceLROnPlateau', () => {
  it('is a plateau', () => {
    const definition = 'class: ReduceLROnPlateau, mode: max, factor: 0.5, patience: 0, min_lr: 0.001';
    const done = imported(schedule(definition, range(0, 4)), { learningRate: 0.3 });
    expect(done.recipe.stages).toMatchObject([
      {
        learningRate: {
          plateau: { initial: 0.3, metric: 'validationAccuracy', factor: 0.5, patience: 0, minimum: 0.001 },
        },
      },
    ]);
    expect(done.notes).toEqual([]);
  });

  it('says what of it is lost', () => {
    const definition = 'class: ReduceLROnPlateau, cooldown: 3, threshold: 0.1, threshold_mode: abs, eps: 0.1';
    const done = imported(schedule(definition, range(2, 4)));
    expect(said(done, 'lost').join()).toMatch(/cooldown.*'threshold'.*'threshold_mode'.*'eps'/s);
    expect(said(done, 'changed').join()).toMatch(/in every epoch, from the first one on/);
    expect(() => imported(schedule('class: ReduceLROnPlateau, mode: most', range(0, 4)))).toThrow(
      /min or max is wanted/,
    );
  });
});
