import { describe, expect, it } from 'vitest';
import { imported, pruner, said, schedules } from './schedule.js';

const agp =
  'class: AutomatedGradualPruner\ninitial_sparsity: 0.05\nfinal_sparsity: 0.8\nweights: [fc.weight]';

describe('what Distiller refuses is refused, with its place', () => {
  const cases: [string, string, RegExp][] = [
    ['no schedule', '- 1', /schedule\.yaml:1:1: this is not a Distiller schedule/],
    ['no YAML', 'pruners: [', /schedule\.yaml:1:\d+: /],
    [
      'an unknown class',
      pruner('class: AutomatedGradualPrunner'),
      /4:12: Distiller has no class 'AutomatedGradualPrunner' for pruners. Did you mean 'AutomatedGradualPruner'/,
    ],
    [
      'a class of another section',
      pruner('class: StepLR\nstep_size: 3'),
      /no class 'StepLR' for pruners. It is one of lr_schedulers/,
    ],
    ['a component without a class', pruner('weights: [a]'), /3:3: 'my_pruner' has no class/],
    [
      'an unknown argument',
      pruner(`${agp}\nfinal_sparsitty: 1`),
      /takes no argument 'final_sparsitty'. Did you mean 'final_sparsity'/,
    ],
    ['a missing argument', pruner('class: AutomatedGradualPruner\nweights: [a]'), /needs 'initial_sparsity'/],
    [
      'an unknown instance',
      pruner(agp).replace('instance_name: my_pruner', 'instance_name: my_prunner'),
      /pruners has no 'my_prunner'. Did you mean 'my_pruner'/,
    ],
    [
      'a policy that binds nothing',
      pruner(agp).replace('- pruner', '- prunner'),
      /binds nothing. Did you mean 'pruner'/,
    ],
    [
      'a policy without an instance',
      pruner(agp).replace('instance_name: my_pruner', 'args: {}'),
      /no instance_name/,
    ],
    ['no epochs', pruner(agp, '', 'frequency: 1'), /has no 'starting_epoch'/],
    [
      'an end before the start',
      pruner(agp, '', 'starting_epoch: 3\n    ending_epoch: 3\n    frequency: 1'),
      /ending_epoch 3 is not after starting_epoch 3/,
    ],
    [
      'a frequency over the range',
      pruner(agp, '', 'starting_epoch: 3\n    ending_epoch: 5\n    frequency: 3'),
      /frequency is 3, for 2 epochs/,
    ],
    ['epochs that are no list', pruner(agp, '', 'epochs: 3'), /epochs is not a list/],
    [
      'a sparsity beyond 1',
      pruner(agp.replace('0.8', '1.8')),
      /final_sparsity is 1\.8: a number in \[0, 1\]/,
    ],
    [
      'a final sparsity below the initial one',
      pruner(agp.replace('0.8', '0.01')),
      /final_sparsity 0\.01 is not above/,
    ],
    [
      'weights that are no names',
      pruner(agp.replace('[fc.weight]', '[1, 2]')),
      /'weights' is not a list of names/,
    ],
    [
      'mask_gradients alone',
      pruner(agp, '{ mask_gradients: True }'),
      /refuses mask_gradients without mask_on_forward_only/,
    ],
    [
      'two quantizers',
      'quantizers:\n  a: { class: DorefaQuantizer }\n  b: { class: DorefaQuantizer }',
      /one quantizer only/,
    ],
    ['policies that are no list', 'policies: 3', /'policies' is not a list/],
    ['nothing at all', 'version: 1', /there is no recipe/],
  ];
  it.each(cases)('%s', (_, yaml, message) => {
    expect(() => imported(yaml)).toThrow(message);
    expect(() => imported(yaml)).toThrow(expect.objectContaining({ code: 'bad-recipe' }));
  });
});

describe('what Distiller ignores is told', () => {
  it('sections, keys of policies, unknown arguments, components that no policy uses', () => {
    const done = imported(`
prunners: {}
pruners:
  used: { class: AutomatedGradualPruner, initial_sparsity: 0.1, final_sparsity: 0.5, weights: [fc.weight] }
  unused: { class: SensitivityPruner, sensitivities: { fc.weight: 0.5 } }
lr_schedulers:
  unused_lr: { class: StepLR, step_size: 3 }
policies:
  - pruner:
      instance_name: used
      arguments: 3
      args: { keep_masks: True }
    starting_epoch: 0
    ending_epoch: 4
    frequency: 1
    frequencyy: 2
`);
    expect(said(done, 'lost')).toEqual([
      "schedule.yaml:2:1 Distiller ignores the section 'prunners'. Did you mean 'pruners'?",
      expect.stringContaining(
        "schedule.yaml:16:5 Distiller ignores 'frequencyy' here. Did you mean 'frequency'?",
      ),
      expect.stringContaining("Distiller ignores 'arguments' here. Known: instance_name, args."),
    ]);
    expect(said(done, 'defect')).toEqual([
      expect.stringMatching(/12:15 a pruner policy has no argument 'keep_masks'.*Did you mean 'keep_mask'/),
      expect.stringContaining("5:3 no policy uses 'unused' (SensitivityPruner)"),
      expect.stringContaining("7:3 no policy uses 'unused_lr' (StepLR)"),
    ]);
    expect(done.yaml).toContain("no policy uses 'unused'");
  });

  it('a second binding in a policy, and a range beside a list of epochs', () => {
    const done = imported(`
pruners:
  p: { class: SparsityLevelParameterPruner, levels: { fc.weight: 0.5 } }
extensions:
  t: { class: FilterRemover, thinning_func_str: remove_filters, arch: a, dataset: d }
policies:
  - pruner: { instance_name: p }
    extension: { instance_name: t }
    epochs: [1]
    frequency: 2
`);
    expect(said(done, 'lost')).toEqual([
      expect.stringContaining("Distiller reads only 'pruner' of this policy"),
      expect.stringContaining("Distiller ignores 'frequency' where 'epochs' is given"),
    ]);
    expect(schedules(done)).toEqual([expect.objectContaining({ use: '@espalier/pruners#level', start: 1 })]);
  });

  it('a key that stands twice: the last one counts, as in PyYAML', () => {
    const done = imported(pruner(`${agp}\nfinal_sparsity: 0.9`));
    expect(schedules(done)[0].options).toMatchObject({ final: 0.9 });
  });
});

describe('the command in the comments', () => {
  const body = pruner(agp, '', 'starting_epoch: 0\n    ending_epoch: 4\n    frequency: 1');
  it('tells epochs, learning rate, batch size, momentum, weight decay and data', () => {
    const done = imported(`# baseline: python3 other.py --epochs 3
# python3 compress_classifier.py -a resnet20_cifar --lr=0.3 --batch=128 --epochs=90 \\
#   --momentum 0.8 --wd 2e-4 ../data.cifar10
# --compress=this.yaml --epochs=8 --kd-teacher big
${body}`);
    expect(done.recipe.data).toEqual({ name: 'cifar10', batchSize: 128 });
    expect(done.recipe.stages).toMatchObject([
      { epochs: 8, optimizer: { name: 'sgd', momentum: 0.8 }, learningRate: 0.3 },
    ]);
    expect(schedules(done).at(-1)).toEqual({
      use: '@espalier/regularizers#l2',
      options: { strength: 1e-4 },
    });
    expect(said(done, 'lost')).toEqual([expect.stringContaining('--kd-teacher')]);
  });

  it('yields to what is given, and is not needed', () => {
    const given = { epochs: 5, learningRate: 0.01, batchSize: 32, weightDecay: 0, data: 'mnist' };
    const done = imported(`# python3 a.py --lr 0.3 --epochs=90 --compress=x\n${body}`, given);
    expect(done.recipe.stages).toMatchObject([{ epochs: 5, learningRate: 0.01 }]);
    expect(done.recipe.data).toEqual({ name: 'mnist', batchSize: 32 });
    expect(imported(body).recipe.stages).toMatchObject([{ epochs: 4, learningRate: 0.1 }]);
  });
});
