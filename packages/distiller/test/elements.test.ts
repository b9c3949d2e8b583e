import '@tensorflow/tfjs-backend-cpu';
import { parametersOf } from '@espalier/core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { imported, pruner, said, schedules } from './schedule.js';

const range = (start: number, end: number, every = 1): string =>
  `starting_epoch: ${start}\n    ending_epoch: ${end}\n    frequency: ${every}`;

describe('automated gradual pruning', () => {
  const definition = (extra = ''): string =>
    `class: AutomatedGradualPruner\ninitial_sparsity: 0.05\nfinal_sparsity: 0.85\nweights: [module.a.weight, b.weight]${extra}`;

  it('has the same epochs, sparsities and names', () => {
    const done = imported(pruner(definition(), '', range(1, 11, 2)), { epochs: 20 });
    expect(schedules(done)).toEqual([
      {
        use: '@espalier/pruners#agp',
        options: { initial: 0.05, final: 0.85, compat: 'distiller' },
        parameters: ['a/kernel', 'b/kernel'],
        start: 1,
        end: 11,
        every: 2,
      },
    ]);
    expect(done.notes).toEqual([]);
    expect(done.names).toEqual({ 'a.weight': 'a/kernel', 'b.weight': 'b/kernel' });
  });

  it('takes one name for a list', () => {
    const one = definition().replace(/weights: .*/, 'weights: module.fc.weight');
    expect(schedules(imported(pruner(one)))[0].parameters).toBe('fc/kernel');
  });

  it('that training does not see the end of is written epoch by epoch', () => {
    const done = imported(pruner(definition(), '', range(0, 38, 2)), { epochs: 5 });
    // Golden: the first rates of 0.05 -> 0.85 over epochs 0, 2 ... 36.
    expect(
      schedules(done).map(({ options, start, end }) => [
        start ?? 0,
        end,
        Number(options?.sparsity).toFixed(4),
      ]),
    ).toEqual([
      [0, 1, '0.0500'],
      [2, 3, '0.1761'],
      [4, undefined, '0.2881'],
    ]);
    expect(said(done, 'defect')).toEqual([
      expect.stringMatching(/training ends after 5 epochs, before this policy comes to its end in epoch 36/),
    ]);
  });

  it('that comes too late is told', () => {
    const done = imported(pruner(definition(), '', range(7, 9)), { epochs: 5 });
    expect(schedules(done)).toEqual([]);
    expect(said(done, 'defect')).toEqual([expect.stringContaining('before this policy acts at all')]);
  });

  it('once, from 0, with a list of epochs: Distiller crashes, which is told', () => {
    const once = imported(pruner(definition(), '', range(2, 3)));
    expect(schedules(once)).toMatchObject([{ options: { sparsity: 0.85 }, start: 2 }]);
    expect(said(once, 'defect')).toEqual([expect.stringContaining('fires once: Distiller stops here')]);
    const zero = imported(pruner(definition().replace('0.05', '0')));
    expect(said(zero, 'defect')).toEqual([expect.stringContaining('crashes at sparsity 0')]);
    const list = imported(pruner(definition(), '', 'epochs: [0, 2, 3]'));
    expect(schedules(list).map(({ options }) => options?.sparsity)).toEqual([0.05, 0.8203703704, 0.85]);
    expect(said(list, 'defect')).toEqual([expect.stringContaining('crashes on AGP with a list of epochs')]);
  });
});

describe('the Baidu pruner', () => {
  const definition =
    'class: BaiduRNNPruner\nq: 0.17\nramp_epoch_offset: 3\nramp_slope_mult: 2\nweights: [rnn.weight_ih_l0]';

  it('is the same', () => {
    const done = imported(pruner(definition, '', range(4, 21, 3)), { epochs: 40 });
    expect(schedules(done)).toEqual([
      {
        use: '@espalier/pruners#baiduRnn',
        options: { q: 0.17, rampOffset: 3, rampSlope: 2, compat: 'distiller' },
        parameters: 'rnn_l0/kernel',
        start: 4,
        end: 21,
        every: 3,
      },
    ]);
  });

  it('that is cut short has its thresholds written out', () => {
    const done = imported(pruner(definition, '', range(4, 21, 3)), { epochs: 20 });
    // Golden, from running Distiller.
    expect(schedules(done).map(({ options }) => Number(options?.threshold).toFixed(4))).toEqual([
      '0.0071',
      '0.0425',
      '0.0850',
      '0.1275',
      '0.1700',
      '0.2125',
    ]);
  });

  it('needs a range', () => {
    expect(() => imported(pruner(definition, '', 'epochs: [1, 2]'))).toThrow(/needs a range of epochs/);
  });
});

describe('thresholds, sensitivities, levels', () => {
  it('map weights to numbers, one number where all are the same', () => {
    const done = imported(
      pruner(
        'class: SensitivityPruner\nsensitivities: { a.weight: 0.25, b.weight: 0.5 }',
        '',
        range(0, 38, 2),
      ),
    );
    expect(schedules(done)).toEqual([
      {
        use: '@espalier/pruners#sensitivity',
        options: { sensitivity: { 'a/kernel': 0.25, 'b/kernel': 0.5 } },
        parameters: ['a/kernel', 'b/kernel'],
        every: 2,
      },
    ]);
    const same = imported(
      pruner(
        'class: SparsityLevelParameterPruner\nlevels: { a.weight: 0.5, b.weight: 0.5 }',
        '',
        'epochs: [2, 5]',
      ),
    );
    expect(schedules(same)).toEqual([
      {
        use: '@espalier/pruners#level',
        options: { sparsity: 0.5, compat: 'distiller' },
        parameters: ['a/kernel', 'b/kernel'],
        start: 2,
        every: 3,
      },
    ]);
  });

  it("'*' is all the rest, biases and norms too, which is told", () => {
    const yaml = pruner("class: MagnitudeParameterPruner\nthresholds: { a.weight: 0.1, '*': 0.2 }");
    const done = imported(yaml);
    expect(schedules(done)).toMatchObject([
      {
        use: '@espalier/pruners#magnitude',
        options: { threshold: { 'a/kernel': 0.1, '**': 0.2 } },
        parameters: '**',
      },
    ]);
    expect(said(done, 'defect')).toEqual([expect.stringMatching(/5:34 '\*' is every weight of the model/)]);
    expect(said(done, 'changed')).toEqual([expect.stringContaining('moving_mean')]);
    const { layers } = tfl;
    const model = tfl.sequential({
      layers: [
        layers.dense({ name: 'a', units: 2, inputShape: [1] }),
        layers.batchNormalization({ name: 'bn' }),
      ],
    });
    const known = imported(yaml, { parameters: parametersOf(model) });
    expect(schedules(known)[0].parameters).toEqual(['a/kernel', 'a/bias', 'bn/gamma', 'bn/beta']);
    expect(said(known, 'changed')).toEqual([]);
  });

  it("a threshold pruner without '*' stops Distiller", () => {
    expect(
      said(imported(pruner('class: MagnitudeParameterPruner\nthresholds: { a.weight: 0.1 }')), 'defect'),
    ).toEqual([expect.stringContaining("without a threshold for '*'")]);
  });

  it('levels of the policy take the place of those of the pruner', () => {
    const level = 'class: SparsityLevelParameterPruner\nlevels: { a.weight: 0.5 }';
    expect(schedules(imported(pruner(level, '{ levels: { b.weight: 0.25 } }')))).toMatchObject([
      { options: { sparsity: 0.25 }, parameters: 'b/kernel' },
    ]);
    const other = imported(
      pruner('class: SensitivityPruner\nsensitivities: { a.weight: 0.5 }', '{ levels: { a.weight: 1 } }'),
    );
    expect(said(other, 'defect')).toEqual([
      expect.stringContaining("SensitivityPruner does not look at 'levels'"),
    ]);
  });

  it('that are no numbers are refused', () => {
    expect(() => imported(pruner('class: SensitivityPruner\nsensitivities: { a.weight: high }'))).toThrow(
      /'sensitivities' is not a map/,
    );
  });
});

describe('network surgery', () => {
  const definition = `class: SplicingPruner
low_thresh_mult: 0.8
hi_thresh_mult: 1.2
sensitivity_multiplier: 0.5
sensitivities: { a.weight: 0.1, b.weight: 0.3 }`;

  it('keeps a dense copy, whatever the schedule says', () => {
    const done = imported(
      pruner(definition, '{ keep_mask: True, mini_batch_pruning_frequency: 4, mask_on_forward_only: True }'),
    );
    expect(schedules(done)).toEqual([
      {
        use: '@espalier/pruners#splicing',
        options: { sensitivity: { 'a/kernel': 0.1, 'b/kernel': 0.3 }, low: 0.8, high: 1.2, growth: 0.5 },
        parameters: ['a/kernel', 'b/kernel'],
        every: { steps: 4 },
      },
    ]);
    expect(said(done, 'defect')).toEqual([expect.stringContaining('without use_double_copies')]);
  });

  it('says when Distiller could never bring weights back, or ends dense', () => {
    const copies = imported(pruner(definition, '{ use_double_copies: True }'));
    expect(said(copies, 'defect')).toEqual([
      expect.stringContaining('without mask_on_forward_only Distiller masks the dense copy'),
    ]);
    const right = imported(pruner(definition, '{ use_double_copies: True, mask_on_forward_only: True }'));
    expect(said(right, 'defect')).toEqual([]);
    expect(said(right, 'changed')).toEqual([expect.stringContaining('Distiller ends with dense weights')]);
  });

  it('that goes on after thinning grows on from where it was', () => {
    const done =
      imported(`${pruner(definition, '{ keep_mask: True, use_double_copies: True, mask_on_forward_only: True }')}
  - extension: { instance_name: thinner }
    epochs: [4]
extensions:
  thinner: { class: FilterRemover, thinning_func_str: remove_filters, arch: a, dataset: d }
`);
    // s(1 + 0.5 t) at t = 5 is 3.5 s, and grows by 0.5 s = (1 / 7) of that in each epoch.
    expect(schedules(done, 'epochs-4-9')).toMatchObject([
      { options: { sensitivity: { 'a/kernel': 0.35, 'b/kernel': 1.05 }, growth: 0.1428571429 }, start: 1 },
    ]);
  });
});

describe('arguments of pruner policies', () => {
  const level = 'class: SparsityLevelParameterPruner\nlevels: { a.weight: 0.5 }';
  const agp =
    'class: AutomatedGradualPruner\ninitial_sparsity: 0.1\nfinal_sparsity: 0.9\nweights: [a.weight]';

  it('mini_batch_pruning_frequency: every so many steps; level by level where the sparsity rises by epochs', () => {
    expect(
      schedules(imported(pruner(level, '{ mini_batch_pruning_frequency: 16 }', range(0, 3)))),
    ).toMatchObject([{ every: { steps: 16 } }]);
    const rising = schedules(imported(pruner(agp, '{ mini_batch_pruning_frequency: 16 }', range(0, 3))));
    expect(
      rising.map(({ options, start = 0, end = 3, every }) => [options?.sparsity, start, end, every]),
    ).toEqual([
      [0.1, 0, 1, { steps: 16 }],
      [0.8, 1, 2, { steps: 16 }],
      [0.9, 2, 3, { steps: 16 }],
    ]);
    const sparse = imported(pruner(level, '{ mini_batch_pruning_frequency: 16 }', range(0, 4, 2)));
    expect(schedules(sparse)).toMatchObject([
      { end: 1, every: { steps: 16 } },
      { start: 2, end: 3, every: { steps: 16 } },
    ]);
    expect(said(sparse, 'defect')).toEqual([expect.stringContaining('wants frequency 1 with it')]);
    expect(() => imported(pruner(level, '{ mini_batch_pruning_frequency: -1 }'))).toThrow(
      /not a number of batches/,
    );
  });

  it('keep_mask that never takes effect', () => {
    const done = imported(pruner(level, '{ keep_mask: True, mask_on_forward_only: True }', range(0, 4, 2)));
    expect(said(done, 'defect')).toEqual([
      expect.stringContaining(
        'with frequency 2 the policy does not act in epoch 3, so that keep_mask never takes effect',
      ),
    ]);
    expect(said(imported(pruner(level, '{ keep_mask: True }')), 'defect')).toEqual([]);
  });

  it('masks that come and go in Distiller stay here', () => {
    const cases: [string, RegExp][] = [
      [
        '{ mask_on_forward_only: True }',
        /drift between two batches, and drops the masks after the last epoch/,
      ],
      ['{ mask_on_forward_only: True, keep_mask: True }', /drift between two batches; here/],
      [
        '{ mask_on_forward_only: True, use_double_copies: True, keep_mask: True }',
        /ranks the dense copy anew/,
      ],
      ['{ discard_masks_at_minibatch_end: True }', /throws the masks away/],
      ['{ skip_first_minibatch: True }', /very first batch unpruned/],
    ];
    for (const [args, message] of cases)
      expect(said(imported(pruner(level, args)), 'changed').join()).toMatch(message);
    const late = imported(pruner(level, '{ skip_first_minibatch: True }', range(3, 5)));
    expect(said(late, 'defect').join()).toMatch(/masks of epoch 3 are never set/);
  });

  it('two policies on the same weight', () => {
    const done = imported(
      `${pruner(level)}
  - { pruner: { instance_name: again }, starting_epoch: 9, ending_epoch: 12, frequency: 1 }
  - { pruner: { instance_name: again }, starting_epoch: 12, ending_epoch: 14, frequency: 1 }
`.replace('policies:', '  again: { class: SensitivityPruner, sensitivities: { a.weight: 0.1 } }\npolicies:'),
    );
    expect(said(done, 'defect')).toEqual([
      expect.stringMatching(/'my_pruner' and 'again' both mask a\/kernel in epoch 9/),
    ]);
  });
});
