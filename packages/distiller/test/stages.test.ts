import { describe, expect, it } from 'vitest';
import { imported, said, schedules, stage, stageNames } from './schedule.js';

const components = `
pruners:
  filters:
    class: L1RankedStructureParameterPruner_AGP
    initial_sparsity: 0.1
    final_sparsity: 0.5
    group_type: Filters
    weights: [conv1.weight]
  once:
    class: L1RankedStructureParameterPruner
    desired_sparsity: 0.5
    group_type: Filters
    weights: [conv1.weight]
  fine:
    class: AutomatedGradualPruner
    initial_sparsity: 0.05
    final_sparsity: 0.85
    weights: [fc.weight]
regularizers:
  lasso:
    class: GroupLassoRegularizer
    reg_regims: { conv1.weight: [0.01, Channels] }
    threshold_criteria: Mean_Abs
extensions:
  thinner:
    class: FilterRemover
    thinning_func_str: remove_filters
    arch: simplenet
    dataset: mnist
lr_schedulers:
  lr: { class: StepLR, step_size: 4, gamma: 0.1 }
`;
const policy = (kind: string, name: string, time: string, args = ''): string =>
  `  - ${kind}: { instance_name: ${name}${args === '' ? '' : `, args: ${args}`} }\n    ${time}\n`;
const range = (start: number, end: number, every = 1): string =>
  `starting_epoch: ${start}\n    ending_epoch: ${end}\n    frequency: ${every}`;
const schedule = (...policies: string[]): string => `${components}policies:\n${policies.join('')}`;

describe('thinning splits training', () => {
  it('after pruning has come to its end', () => {
    const done = imported(
      schedule(policy('pruner', 'filters', range(0, 6, 2)), policy('extension', 'thinner', 'epochs: [6]')),
      { epochs: 10 },
    );
    expect(done.recipe.stages).toMatchObject([
      {
        name: 'epochs-0-5',
        epochs: 6,
        schedules: [
          {
            use: '@espalier/pruners-structured#structuredAgp',
            options: { structure: 'filters', criterion: 'l1', initial: 0.1, final: 0.5 },
            every: 2,
          },
        ],
      },
      { name: 'thin-6', use: '@espalier/pruners-structured#thin' },
      { name: 'epochs-6-9', epochs: 4 },
    ]);
    expect(schedules(done)[0].options).not.toHaveProperty('tied');
    expect(said(done, 'changed').join('\n')).toMatch(/the momentum of SGD starts from 0/);
  });

  it('at once, before any training, the pruner first', () => {
    const done = imported(
      schedule(policy('pruner', 'once', 'epochs: [0]'), policy('extension', 'thinner', 'epochs: [0]')),
      { epochs: 3 },
    );
    expect(done.recipe.stages).toMatchObject([
      {
        name: 'once-0',
        use: '@espalier/pruners-structured#structuredLevel',
        options: { sparsity: 0.5 },
        parameters: 'conv1/kernel',
      },
      { name: 'thin-0' },
      { name: 'train', epochs: 3 },
    ]);
    expect(schedules(done)).toEqual([]);
  });

  it('in the middle of a gradual pruner: its firings go on as before', () => {
    // Golden for 0.05 -> 0.85 over epochs 0, 5, 10: 0.05, 0.75, 0.85.
    const time = range(0, 12, 5);
    const before = imported(
      schedule(policy('pruner', 'fine', time), policy('extension', 'thinner', 'epochs: [5]')),
    );
    expect(stageNames(before)).toEqual(['epochs-0-4', 'fine-5', 'thin-5', 'epochs-5-11']);
    expect(schedules(before, 'epochs-0-4')).toMatchObject([{ options: { sparsity: 0.05 }, end: 1 }]);
    expect(stage(before, 'fine-5')).toMatchObject({ options: { sparsity: 0.75 }, parameters: 'fc/kernel' });
    expect(schedules(before, 'epochs-5-11')).toMatchObject([
      { options: { sparsity: 0.85 }, start: 5, end: 6 },
    ]);
    // A thinner that stands before the pruner goes first.
    const after = imported(
      schedule(policy('extension', 'thinner', 'epochs: [5]'), policy('pruner', 'fine', time)),
    );
    expect(stageNames(after)).toEqual(['epochs-0-4', 'thin-5', 'epochs-5-11']);
    expect(schedules(after, 'epochs-5-11')).toMatchObject([
      { use: '@espalier/pruners#agp', options: { initial: 0.75, final: 0.85 }, every: 5 },
    ]);
  });

  it('several times, over a range or a list', () => {
    const often = schedule(
      policy('pruner', 'filters', range(0, 6)),
      policy('extension', 'thinner', range(1, 6, 2)),
    );
    expect(stageNames(imported(often))).toEqual([
      'epochs-0-0',
      'filters-1',
      'thin-1',
      'epochs-1-2',
      'filters-3',
      'thin-3',
      'epochs-3-4',
      'filters-5',
      'thin-5',
      'epochs-5-5',
    ]);
    const twice = schedule(
      policy('pruner', 'once', 'epochs: [0, 2]'),
      policy('extension', 'thinner', 'epochs: [0, 2]'),
    );
    expect(stageNames(imported(twice, { epochs: 4 }))).toEqual([
      'once-0',
      'thin-0',
      'epochs-0-1',
      'once-2',
      'thin-2',
      'epochs-2-3',
    ]);
  });

  it('that never comes is told', () => {
    const done = imported(
      schedule(policy('pruner', 'filters', range(0, 6)), policy('extension', 'thinner', 'epochs: [9]')),
      { epochs: 9 },
    );
    expect(stageNames(done)).toEqual(['train']);
    expect(said(done, 'defect')).toContainEqual(
      expect.stringContaining('the thinning of epoch 9 never comes'),
    );
  });

  it('with learning rates that go on, and with a regularizer that keeps its mask at its end', () => {
    const done = imported(
      schedule(
        policy('lr_scheduler', 'lr', range(0, 12)),
        policy('extension', 'thinner', 'epochs: [7]'),
        policy('regularizer', 'lasso', range(0, 8), '{ keep_mask: True }'),
      ),
      { epochs: 12, learningRate: 0.5 },
    );
    expect(done.recipe.stages).toMatchObject([
      { name: 'epochs-0-6', learningRate: { step: { initial: 0.5, every: 4, factor: 0.1 } } },
      { name: 'thin-7' },
      { name: 'epochs-7-7', epochs: 1, learningRate: 0.05 },
      { name: 'keep-lasso-8', use: '@espalier/regularizers#groupLasso', options: { threshold: 0.01 } },
      { name: 'epochs-8-11', learningRate: 0.005 },
    ]);
    expect(schedules(done, 'epochs-7-7')).toMatchObject([{ use: '@espalier/regularizers#groupLasso' }]);
    expect(schedules(done, 'epochs-8-11')).toEqual([]);
  });
});

describe('a recipe', () => {
  it('has schedules in the order of the policies, and weight decay', () => {
    const yaml = schedule(
      policy('regularizer', 'lasso', range(0, 4)),
      policy('pruner', 'fine', range(1, 4)),
      policy('pruner', 'once', 'epochs: [1]'),
    );
    const uses = schedules(imported(yaml, { weightDecay: 1e-4 })).map(({ use }) => String(use).split('#')[1]);
    expect(uses).toEqual(['groupLasso', 'agp', 'structuredLevel', 'l2']);
  });

  it('trains to the end of the last policy, of the learning rate only where there is nothing else', () => {
    const rate = policy('lr_scheduler', 'lr', range(0, 400));
    expect(imported(schedule(rate, policy('pruner', 'fine', range(1, 4)))).recipe.stages).toMatchObject([
      { epochs: 4 },
    ]);
    expect(imported(schedule(rate)).recipe.stages).toMatchObject([{ epochs: 400 }]);
  });

  it('tells everything in comments, with the lines of the schedule', () => {
    const { yaml } = imported(
      schedule(policy('pruner', 'fine', range(0, 9)), policy('pruner', 'once', 'epochs: [1]')),
      { epochs: 4 },
    );
    expect(yaml).toMatch(/^# Imported from schedule\.yaml, a Distiller schedule\./);
    expect(yaml).toContain('# Known faults of the schedule or of Distiller:\n# - line 3: no policy uses');
    expect(yaml).toContain('      # fine\n      - use:');
    for (const line of yaml.split('\n')) expect(line.length).toBeLessThanOrEqual(112);
  });
});
