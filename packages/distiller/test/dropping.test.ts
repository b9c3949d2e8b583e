import { describe, expect, it } from 'vitest';
import { imported, pruner, said, schedules } from './schedule.js';

const bernoulli =
  'class: BernoulliFilterPruner\ngroup_type: Filters\ndesired_sparsity: 0.2\nweights: [module.conv1.weight]';
const gradual =
  'class: BernoulliFilterPruner_AGP\ngroup_type: Filters\ninitial_sparsity: 0.05\nfinal_sparsity: 0.5\nweights: [conv1.weight]';
const level =
  'class: RandomLevelStructureParameterPruner\ngroup_type: Filters\nsparsity_range: [0.1, 0.5]\nweights: [conv1.weight]';
const args = (changes = ''): string =>
  `{ mini_batch_pruning_frequency: 1, discard_masks_at_minibatch_end: True, use_double_copies: True, mask_on_forward_only: True, mask_gradients: True${changes} }`;

describe('filters that are dropped while training', () => {
  it('with one probability', () => {
    const done = imported(pruner(bernoulli, args()));
    expect(schedules(done)).toEqual([
      {
        use: '@espalier/pruners-structured#bernoulliDrop',
        options: { structure: 'filters', tied: false, rate: 0.2 },
        parameters: 'conv1/kernel',
      },
    ]);
    expect(done.notes).toEqual([]);
  });

  it('with a probability that rises', () => {
    const done = imported(pruner(gradual, args()));
    expect(schedules(done)).toMatchObject([{ options: { initial: 0.05, rate: 0.5 } }]);
    expect(said(done, 'changed')).toEqual([expect.stringContaining('rises from step to step')]);
    // Cut short: a rate for each epoch, of which the first are 0.05 and 0.5 - 0.45 · (8 / 9)³.
    const cut = imported(pruner(gradual, args()), { epochs: 2 });
    expect(schedules(cut).map(({ options }) => options?.rate)).toEqual([0.05, 0.1839506173]);
  });

  it('to a random level, not scaled up', () => {
    expect(schedules(imported(pruner(level, args())))).toMatchObject([
      {
        use: '@espalier/pruners-structured#randomLevelDrop',
        options: { structure: 'filters', tied: false, low: 0.1, high: 0.5, scale: false },
      },
    ]);
    expect(() => imported(pruner(level.replace('[0.1, 0.5]', '0.3')))).toThrow(/sparsity_range is 0\.3/);
  });

  it('tells what Distiller does otherwise', () => {
    const changed = (policy: string): string => said(imported(pruner(bernoulli, policy)), 'changed').join();
    const seldom = imported(pruner(bernoulli, args().replace('frequency: 1', 'frequency: 16')));
    expect(schedules(seldom)).toMatchObject([{ options: { every: 16 } }]);
    expect(seldom.notes).toEqual([]);
    expect(changed(args().replace('discard_masks_at_minibatch_end: True, ', ''))).toMatch(
      /draws anew every 1 batches and keeps that/,
    );
    expect(changed('{ discard_masks_at_minibatch_end: True }')).toMatch(
      /drops in the first batch of each epoch only.*mask_gradients.*last draw/,
    );
    expect(
      said(imported(pruner(bernoulli, args().replace('use_double_copies: True, ', ''))), 'defect'),
    ).toEqual([expect.stringContaining('overwrites the weights by what is left of them')]);
  });

  it('that goes on longer than training is nothing to be told', () => {
    expect(imported(pruner(bernoulli, args()), { epochs: 5 }).notes).toEqual([]);
  });

  it('is no pruning: thinning does not wait for it, masks do not meet it', () => {
    const done = imported(
      `${pruner(bernoulli, args())}
  - pruner: { instance_name: level }
    epochs: [3]
  - extension: { instance_name: thinner }
    epochs: [3]
extensions:
  thinner: { class: ChannelRemover, thinning_func_str: remove_channels }
`.replace(
        'policies:',
        '  level: { class: L1RankedStructureParameterPruner, group_type: Filters, desired_sparsity: 0.5, weights: [conv1.weight] }\npolicies:',
      ),
    );
    expect(done.recipe.stages.map(({ name }) => name)).toEqual([
      'epochs-0-2',
      'level-3',
      'thin-3',
      'epochs-3-9',
    ]);
    expect(schedules(done, 'epochs-3-9')).toMatchObject([
      { use: '@espalier/pruners-structured#bernoulliDrop' },
    ]);
    expect(said(done, 'defect')).toEqual([]);
  });
});

describe('feature-map reconstruction', () => {
  it('fits what stays', () => {
    const definition =
      'class: FMReconstructionChannelPruner\ngroup_type: Channels\ndesired_sparsity: 0.5\nweights: [conv2.weight]';
    const done = imported(pruner(definition, '', 'epochs: [4]'), { epochs: 6 });
    expect(schedules(done)).toEqual([
      {
        use: '@espalier/pruners-structured#structuredLevel',
        options: { structure: 'channels', criterion: 'l1', reconstruct: true, sparsity: 0.5 },
        parameters: 'conv2/kernel',
        start: 3,
        end: 5,
      },
    ]);
    // In the first epoch there is nothing before to be observed.
    expect(schedules(imported(pruner(definition, '', 'epochs: [0]'), { epochs: 6 }))).toMatchObject([
      { end: 1, every: { steps: 16 } },
    ]);
    expect(said(done, 'changed').join()).toMatch(/feature maps are observed while training/);
  });
});
