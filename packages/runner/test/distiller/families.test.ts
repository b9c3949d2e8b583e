import { describe, expect, it } from 'vitest';
import { Plugins } from '../../src/pipeline/plugins.js';
import { prepareStages } from '../../src/pipeline/prepare.js';
import { imported } from './recipe.js';

/** Components by a short name: section, class and arguments. */
const components = {
  fine: [
    'pruners',
    'AutomatedGradualPruner, initial_sparsity: 0.05, final_sparsity: 0.8, weights: [module.fc.weight]',
  ],
  embedding: [
    'pruners',
    'AutomatedGradualPruner, initial_sparsity: 0.05, final_sparsity: 0.85, weights: [encoder.weight, rnn.weight_ih_l0, rnn.weight_hh_l0]',
  ],
  baidu: [
    'pruners',
    'BaiduRNNPruner, q: 0.2, ramp_epoch_offset: 2, ramp_slope_mult: 2, weights: [rnn.weight_ih_l1]',
  ],
  sensitivity: [
    'pruners',
    'SensitivityPruner, sensitivities: { features.module.0.weight: 0.3, classifier.1.weight: 0.8 }',
  ],
  surgery: [
    'pruners',
    'SplicingPruner, low_thresh_mult: 0.9, hi_thresh_mult: 1.1, sensitivity_multiplier: 0.02, sensitivities: { module.layer1.0.conv1.weight: 0.05 }',
  ],
  level: ['pruners', 'SparsityLevelParameterPruner, levels: { conv1.weight: 0.4 }'],
  magnitude: ['pruners', "MagnitudeParameterPruner, thresholds: { conv1.weight: 0.05, '*': 0.01 }"],
  filters: [
    'pruners',
    'L1RankedStructureParameterPruner_AGP, group_type: Filters, initial_sparsity: 0.1, final_sparsity: 0.5, weights: [module.layer1.0.conv1.weight, module.layer1.1.conv1.weight]',
  ],
  led: [
    'pruners',
    'L1RankedStructureParameterPruner_AGP, group_type: Filters, group_dependency: Leader, initial_sparsity: 0.1, final_sparsity: 0.5, weights: [module.layer3.0.conv2.weight, module.layer3.1.conv2.weight]',
  ],
  rows: [
    'pruners',
    'L1RankedStructureParameterPruner_AGP, group_type: Rows, initial_sparsity: 0.05, final_sparsity: 0.5, weights: [module.fc.weight]',
  ],
  blocks: [
    'pruners',
    'L1RankedStructureParameterPruner_AGP, group_type: Blocks, kwargs: { block_shape: [1, 8, 1, 1] }, initial_sparsity: 0.05, final_sparsity: 0.7, weights: [module.layer2.0.conv2.weight]',
  ],
  filtersOnce: [
    'pruners',
    'L1RankedStructureParameterPruner, group_type: Filters, desired_sparsity: 0.6, weights: [module.layer1.0.conv1.weight]',
  ],
  channelsOnce: [
    'pruners',
    'L1RankedStructureParameterPruner, group_type: Channels, desired_sparsity: 0.6, weights: [module.layer2.0.conv2.weight]',
  ],
  channelsLed: [
    'pruners',
    'L1RankedStructureParameterPruner, group_type: Channels, group_dependency: Leader, desired_sparsity: 0.7, weights: [module.layer1.1.conv1.weight, module.layer1.0.conv1.weight]',
  ],
  l2: [
    'pruners',
    'L2RankedStructureParameterPruner, group_type: Filters, desired_sparsity: 0.6, weights: [conv1.weight]',
  ],
  apoz: [
    'pruners',
    'ActivationAPoZRankedFilterPruner_AGP, group_type: Filters, initial_sparsity: 0, final_sparsity: 0.5, weights: [module.layer1.0.conv1.weight]',
  ],
  mean: [
    'pruners',
    'ActivationMeanRankedFilterPruner_AGP, group_type: Filters, initial_sparsity: 0.1, final_sparsity: 0.5, weights: [module.layer1.0.conv1.weight]',
  ],
  gradient: [
    'pruners',
    'GradientRankedFilterPruner_AGP, group_type: Filters, initial_sparsity: 0.1, final_sparsity: 0.5, weights: [module.layer1.0.conv1.weight]',
  ],
  random: [
    'pruners',
    'RandomRankedFilterPruner_AGP, group_type: Filters, initial_sparsity: 0.1, final_sparsity: 0.5, weights: [module.layer1.0.conv1.weight]',
  ],
  reconstruction: [
    'pruners',
    'FMReconstructionChannelPruner, group_type: Channels, desired_sparsity: 0.5, weights: [conv2.weight]',
  ],
  structures: [
    'pruners',
    'StructureParameterPruner, threshold_criteria: Max, reg_regims: { conv1.weight: [0.05, 3D], conv2.weight: [0.05, 2D] }',
  ],
  bernoulli: [
    'pruners',
    'BernoulliFilterPruner, group_type: Filters, desired_sparsity: 0.2, weights: [module.conv1.weight]',
  ],
  bernoulliGradual: [
    'pruners',
    'BernoulliFilterPruner_AGP, group_type: Filters, initial_sparsity: 0.05, final_sparsity: 0.5, weights: [module.conv1.weight]',
  ],
  randomLevel: [
    'pruners',
    'RandomLevelStructureParameterPruner, group_type: Filters, sparsity_range: [0.1, 0.6], weights: [module.conv1.weight]',
  ],
  l1: ['regularizers', 'L1Regularizer, reg_regims: { module.bn1.weight: 0.00001 }'],
  kernels: ['regularizers', 'GroupLassoRegularizer, reg_regims: { features.module.3.weight: [0.00001, 2D] }'],
  channels: [
    'regularizers',
    'GroupLassoRegularizer, threshold_criteria: Mean_Abs, reg_regims: { module.layer1.0.conv2.weight: [0.002, Channels] }',
  ],
  filterLasso: [
    'regularizers',
    'GroupLassoRegularizer, threshold_criteria: Mean_Abs, reg_regims: { module.layer1.0.conv1.weight: [0.002, 3D] }',
  ],
  layers: [
    'regularizers',
    'GroupLassoRegularizer, threshold_criteria: Mean_Abs, reg_regims: { module.layer1.0.conv1.weight: [0.002, 4D] }',
  ],
  variance: [
    'regularizers',
    'GroupVarianceRegularizer, reg_regims: { module.layer1.0.conv2.weight: [0.00001, Channels] }',
  ],
  thinFilters: [
    'extensions',
    'FilterRemover, thinning_func_str: remove_filters, arch: simplenet_mnist, dataset: mnist',
  ],
  thinChannels: [
    'extensions',
    'ChannelRemover, thinning_func_str: remove_channels, arch: simplenet_mnist, dataset: mnist',
  ],
  dorefa: [
    'quantizers',
    'DorefaQuantizer, bits_weights: 4, bits_activations: 8, overrides: { conv1: { bits_weights: null, bits_activations: null } }',
  ],
  pact: ['quantizers', 'PACTQuantizer, bits_weights: 3, bits_activations: 4, act_clip_decay: 0.0002'],
  linear: [
    'quantizers',
    'QuantAwareTrainRangeLinearQuantizer, bits_weights: 8, bits_activations: 8, bits_bias: 32, mode: ASYMMETRIC_UNSIGNED, ema_decay: 0.999, per_channel_wts: True',
  ],
  step: ['lr_schedulers', 'StepLR, step_size: 5, gamma: 0.1'],
  exponential: ['lr_schedulers', 'ExponentialLR, gamma: 0.95'],
  multi: ['lr_schedulers', 'MultiStepLR, milestones: [3, 6], gamma: 0.1'],
  gammas: ['lr_schedulers', 'MultiStepMultiGammaLR, milestones: [3, 6], gammas: [0.1, 0.2]'],
  plateau: ['lr_schedulers', 'ReduceLROnPlateau, mode: min, factor: 0.5, patience: 2'],
} as const satisfies Record<string, readonly [string, string]>;

type Name = keyof typeof components;
const kinds = {
  pruners: 'pruner',
  regularizers: 'regularizer',
  extensions: 'extension',
  quantizers: 'quantizer',
  lr_schedulers: 'lr_scheduler',
};

/** Policies as `name time args`: `fine 0-8/2`, `thinFilters @6`. */
function schedule(policies: readonly string[], unused: readonly Name[] = []): string {
  const names = [...new Set([...policies.map((policy) => policy.split(' ')[0] as Name), ...unused])];
  const sections = Object.keys(kinds).map((section) => {
    const own = names.filter((name) => components[name][0] === section);
    return own.length === 0
      ? ''
      : `${section}:\n${own.map((name) => `  ${name}: { class: ${components[name][1]} }\n`).join('')}`;
  });
  const lines = policies.map((policy) => {
    const [name, time, ...args] = policy.split(' ');
    const [, start, end, every = 1] = /^(\d+)-(\d+)(?:\/(\d+))?$/.exec(time) ?? [];
    const when = time.startsWith('@')
      ? `epochs: [${time.slice(1)}]`
      : `starting_epoch: ${start}, ending_epoch: ${end}, frequency: ${every}`;
    const binding = `instance_name: ${name}${args.length > 0 ? `, args: { ${args.join(' ')} }` : ''}`;
    return `  - { ${kinds[components[name as Name][0]]}: { ${binding} }, ${when} }\n`;
  });
  return `version: 1\n${sections.join('')}policies:\n${lines.join('')}`;
}

const surgeryArgs = 'keep_mask: True, mask_on_forward_only: True';
const dropArgs =
  'mini_batch_pruning_frequency: 16, discard_masks_at_minibatch_end: True, mask_on_forward_only: True, mask_gradients: True';

/** Every combination that the published schedules are made of, and those that none of them uses. */
const families: [string, readonly string[], string, (readonly Name[])?][] = [
  ['fine and a learning rate', ['fine 0-8/2', 'exponential 4-20'], 'train'],
  ['fine, several, and steps', ['fine 0-8/2', 'embedding 1-9/2', 'step 0-20'], 'train'],
  ['fine and a plateau', ['fine 0-8', 'plateau 0-20'], 'train'],
  ['fine alone, on recurrent layers', ['embedding 3-9/3', 'fine 1-9/2'], 'train'],
  ['baidu', ['baidu 1-9/2', 'embedding 2-9/2'], 'train'],
  ['sensitivity and a learning rate', ['sensitivity 0-8/2', 'exponential 4-20'], 'train'],
  ['sensitivity alone', ['sensitivity 0-8'], 'train'],
  [
    'surgery by batches',
    [`surgery 0-8 ${surgeryArgs}, mini_batch_pruning_frequency: 1`, 'step 0-20'],
    'train',
  ],
  ['surgery by epochs', [`surgery 0-8 ${surgeryArgs}`, 'step 0-20'], 'train'],
  [
    'filters, thinning, rows and elements',
    ['filters 0-6/2', 'fine 6-10/2', 'rows 6-10/2', 'thinFilters @7', 'step 0-20'],
    'epochs-0-6 thin-7 epochs-7-9',
  ],
  [
    'filters folded into batch norm',
    ['filters 0-6/2 fold_batchnorm: True', 'thinFilters @7', 'step 0-9'],
    'epochs-0-6 thin-7 epochs-7-9',
  ],
  [
    'filters with and without a leader',
    ['filters 0-6/2', 'led 0-6/2', 'thinFilters @6', 'step 0-9'],
    'epochs-0-5 thin-6 epochs-6-9',
  ],
  [
    'filters, thinning, and pruners that no policy uses',
    ['filters 0-6/2', 'thinFilters @6', 'exponential 2-9'],
    'epochs-0-5 thin-6 epochs-6-9',
    ['fine', 'rows'],
  ],
  ['blocks and elements', ['blocks 0-6', 'fine 0-6/3', 'exponential 4-9'], 'train'],
  [
    'filters by activations',
    ['apoz 1-6/2', 'thinFilters @6', 'exponential 2-9'],
    'epochs-0-5 thin-6 epochs-6-9',
  ],
  ['filters at once', ['filtersOnce @0', 'thinFilters @0', 'exponential 2-9'], 'filtersOnce-0 thin-0 train'],
  [
    'channels at once, with and without a leader',
    ['channelsLed @0', 'channelsOnce @0', 'thinChannels @0', 'exponential 2-9'],
    'channelsLed-0 channelsOnce-0 thin-0 train',
  ],
  [
    'filters at once, again and again',
    ['filtersOnce @0', 'thinFilters @0', 'filtersOnce @3', 'thinFilters @3'],
    'filtersOnce-0 thin-0 epochs-0-2 filtersOnce-3 thin-3 epochs-3-9',
    ['step'],
  ],
  [
    'dropped filters, gradually',
    ['step 2-9', `bernoulliGradual 1-9 ${dropArgs}, use_double_copies: True`],
    'train',
  ],
  ['dropped filters, as regularization', ['step 2-9', `bernoulli 0-9 ${dropArgs}`], 'train'],
  [
    'filters dropped to a random level',
    ['step 2-9', `randomLevel 0-9 ${dropArgs}, use_double_copies: True`],
    'train',
  ],
  [
    'channel lasso with variance, thinned',
    ['step 2-9', 'thinChannels @7', 'channels 0-8 keep_mask: True', 'variance 0-8 keep_mask: True'],
    'epochs-0-6 thin-7 epochs-7-7 keep-channels-8 epochs-8-9',
  ],
  [
    'channel lasso, thinned',
    ['step 2-9', 'thinChannels @7', 'channels 0-8 keep_mask: True'],
    'epochs-0-6 thin-7 epochs-7-7 keep-channels-8 epochs-8-9',
  ],
  [
    'filter lasso, thinned',
    ['step 2-9', 'thinFilters @7', 'filterLasso 0-8 keep_mask: True'],
    'epochs-0-6 thin-7 epochs-7-7 keep-filterLasso-8 epochs-8-9',
  ],
  ['layer lasso', ['step 2-9', 'layers 0-9 keep_mask: True'], 'epochs-0-8 keep-layers-9 epochs-9-9'],
  ['elements with a kernel lasso', ['fine 0-8/2', 'exponential 4-9', 'kernels 0-9'], 'train'],
  ['sensitivity with a kernel lasso', ['sensitivity 0-8/2', 'kernels 0-9', 'exponential 4-9'], 'train'],
  ['slimming, its regularizer forgotten', ['step 0-9'], 'train', ['l1']],
  ['slimming', ['l1 0-9', 'step 0-9'], 'train'],
  ['steps alone', ['step 0-9'], 'train'],
  ['milestones alone', ['multi 0-9'], 'train'],
  ['milestones with factors alone', ['gammas 0-9'], 'train'],
  ['DoReFa', ['dorefa 0-9', 'multi 0-9'], 'train quantize'],
  ['PACT', ['pact 0-9', 'gammas 0-9'], 'train quantize'],
  ['linear quantisation', ['linear 0-9'], 'train quantize'],
  ['levels and thresholds', ['level 0-4', 'magnitude @5'], 'train'],
  [
    'structures by threshold and by L2',
    ['structures @2', 'l2 @4', 'thinFilters @6'],
    'epochs-0-5 thin-6 epochs-6-9',
  ],
  [
    'filters by mean activation, gradient and chance',
    ['mean 1-6/2', 'gradient 1-6/2', 'random 1-6/2'],
    'train',
  ],
  ['reconstruction', ['reconstruction @3', 'thinChannels @4'], 'epochs-0-3 thin-4 epochs-4-9'],
];

describe('every family of schedules becomes a recipe whose plugins can be made', () => {
  it.each(families)('%s', async (name, policies, stages, unused = []) => {
    const text = schedule(policies, unused);
    const { loaded, notes } = imported(text, { epochs: 10 });
    const names = loaded.recipe.stages.map((stage) => stage.name);
    expect(names.join(' ')).toBe(stages);
    expect(notes.filter(({ message }) => message.includes('no policy uses'))).toHaveLength(unused.length);
    const lost = notes.filter(({ kind }) => kind === 'lost');
    if (/DoReFa|PACT|linear|folded/.test(name)) expect(lost).not.toEqual([]);
    else expect(lost).toEqual([]);
    const prepared = await prepareStages(loaded, await Plugins.of(loaded));
    expect(prepared).toHaveLength(names.length);
  });
});
