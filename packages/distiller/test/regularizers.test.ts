import { describe, expect, it } from 'vitest';
import { imported, said, schedules, stage, stageNames } from './schedule.js';

const regularizer = (
  definition: string,
  time = 'starting_epoch: 0\n    ending_epoch: 10\n    frequency: 1',
  args = '',
): string => `
regularizers:
  my_reg:
${definition.replace(/^/gm, '    ')}
policies:
  - regularizer:
      instance_name: my_reg
${args === '' ? '' : `      args: ${args}\n`}    ${time}
`;
const lasso = (type: string, more = ''): string =>
  `class: GroupLassoRegularizer\nreg_regims: { a.weight: [0.01, ${type}] }${more}`;

describe('penalties', () => {
  it('L1', () => {
    const done = imported(
      regularizer('class: L1Regularizer\nreg_regims: { a.weight: 0.001, b.weight: 0.002 }'),
    );
    expect(schedules(done)).toEqual([
      {
        use: '@espalier/regularizers#l1',
        options: { strength: { 'a/kernel': 0.001, 'b/kernel': 0.002 } },
        parameters: ['a/kernel', 'b/kernel'],
      },
    ]);
    expect(done.notes).toEqual([]);
  });

  it.each([
    ['2D', ['kernels']],
    ['Rows', ['columns']],
    ['Cols', ['rows']],
    ['Rows+Cols', ['columns', 'rows']],
    ['Channels', ['channels']],
    ['3D', ['filters']],
    ['Filters', ['filters']],
    ['4D', ['layer']],
  ])('group lasso over %s', (type, structures) => {
    const done = imported(regularizer(lasso(type)));
    expect(schedules(done).map(({ options }) => options)).toEqual(
      structures.map((structure) => ({ strength: 0.01, structure, weighted: false })),
    );
  });

  it('group lasso over Channels+4D, which crashes Distiller', () => {
    const done = imported(regularizer(lasso('Channels+4D')));
    expect(schedules(done).map(({ options }) => options?.structure)).toEqual(['channels', 'layer']);
    expect(said(done, 'defect')).toEqual([expect.stringContaining("crashes on 'Channels+4D'")]);
  });

  it('group variance', () => {
    const variance = 'class: GroupVarianceRegularizer\nreg_regims: { a.weight: [0.01, Channels] }';
    expect(schedules(imported(regularizer(variance)))).toEqual([
      {
        use: '@espalier/regularizers#groupVariance',
        options: { strength: 0.01, structure: 'channels' },
        parameters: 'a/kernel',
      },
    ]);
    expect(() => imported(regularizer(variance.replace('Channels', '3D')))).toThrow(/Channels only/);
  });

  it('in every other epoch: a schedule for each', () => {
    const done = imported(
      regularizer(lasso('3D'), 'starting_epoch: 0\n    ending_epoch: 6\n    frequency: 2'),
    );
    expect(schedules(done).map(({ start = 0, end = 6, every = 1 }) => [start, end, every])).toEqual([
      [0, 1, 1],
      [2, 3, 1],
      [4, 5, 1],
    ]);
  });

  it('that make no sense are refused', () => {
    expect(() => imported(regularizer(lasso('5D')))).toThrow(/no group type '5D'/);
    expect(() => imported(regularizer(lasso('3D').replace('[0.01, 3D]', '0.01, b.weight: 3')))).toThrow(
      /group type 'undefined'/,
    );
    expect(() => imported(regularizer('class: L1Regularizer\nreg_regims: { a.weight: much }'))).toThrow(
      /not a strength/,
    );
    expect(() => imported(regularizer('class: L1Regularizer\nreg_regims: 3'))).toThrow(
      /not a map from weights/,
    );
    expect(() => imported(regularizer(lasso('3D', '\nthreshold_criteria: Mean')))).toThrow(
      /Mean_Abs or Max is wanted/,
    );
    expect(() => imported(regularizer(lasso('3D'), undefined, '{ keep_masks: True }'))).toThrow(
      /no argument 'keep_masks'.*'keep_mask'/,
    );
  });

  it('that have no counterpart are told', () => {
    const done = imported(regularizer('class: DropFilterRegularizer\nreg_regims: { a.weight: 1 }'));
    expect(said(done, 'lost')).toEqual([expect.stringContaining('DropFilterRegularizer has no counterpart')]);
  });
});

describe('thresholds', () => {
  const regimes =
    'class: GroupLassoRegularizer\nreg_regims: { a.weight: [0.01, 3D], b.weight: [0.02, 3D], c.weight: [0.01, 3D] }\nthreshold_criteria: Mean_Abs';

  it('are the strengths: a plugin for each', () => {
    const done = imported(regularizer(regimes));
    const common = { structure: 'filters', weighted: false, criterion: 'meanAbs' };
    expect(schedules(done).map(({ options, parameters }) => [options, parameters])).toEqual([
      [{ ...common, strength: 0.01, threshold: 0.01 }, ['a/kernel', 'c/kernel']],
      [{ ...common, strength: 0.02, threshold: 0.02 }, 'b/kernel'],
    ]);
    expect(said(done, 'changed')).toEqual([
      expect.stringContaining('after every batch and lets it grow again'),
    ]);
  });

  it('of single weights', () => {
    const done = imported(
      regularizer('class: L1Regularizer\nreg_regims: { a.weight: 0.001 }\nthreshold_criteria: Max'),
    );
    expect(schedules(done)[0].options).toEqual({ strength: 0.001, threshold: 0.001 });
  });

  it('of whole layers, where Distiller stops', () => {
    expect(said(imported(regularizer(lasso('4D', '\nthreshold_criteria: Max'))), 'defect')).toEqual([
      expect.stringContaining('stops at a threshold with 4D groups'),
    ]);
  });

  it('keep_mask: the last zeros stay', () => {
    const done = imported(regularizer(regimes, undefined, '{ keep_mask: True }'), { epochs: 12 });
    expect(stageNames(done)).toEqual(['epochs-0-9', 'keep-my_reg-10', 'keep-my_reg-10-2', 'epochs-10-11']);
    expect(stage(done, 'keep-my_reg-10')).toMatchObject({
      options: { threshold: 0.01 },
      parameters: ['a/kernel', 'c/kernel'],
    });
    expect(schedules(done, 'epochs-10-11')).toEqual([]);
    const last = imported(regularizer(regimes, undefined, '{ keep_mask: True }'));
    expect(stageNames(last)).toEqual(['train', 'keep-my_reg-10', 'keep-my_reg-10-2']);
  });

  it('keep_mask that does nothing, or never takes effect', () => {
    expect(said(imported(regularizer(lasso('3D'), undefined, '{ keep_mask: True }')), 'defect')).toEqual([
      expect.stringContaining('does nothing without threshold_criteria'),
    ]);
    const skipped = imported(
      regularizer(regimes, 'starting_epoch: 0\n    ending_epoch: 4\n    frequency: 2', '{ keep_mask: True }'),
    );
    expect(said(skipped, 'defect')).toEqual([expect.stringContaining('does not act in epoch 3')]);
  });

  it('that meet a pruner on the same weight', () => {
    const done = imported(`${regularizer(regimes)}
  - pruner: { instance_name: level }
    epochs: [2]
pruners:
  level: { class: SparsityLevelParameterPruner, levels: { a.weight: 0.5 } }
`);
    expect(said(done, 'defect')).toEqual([expect.stringMatching(/both mask a\/kernel in epoch 2/)]);
  });
});
