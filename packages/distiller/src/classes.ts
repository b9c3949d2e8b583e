/** A section of a Distiller schedule that holds components by name. */
export type Section = 'pruners' | 'regularizers' | 'quantizers' | 'extensions' | 'lr_schedulers';

/** What a class is made of: arguments it must have, and those it may have. */
interface ClassSpec {
  readonly needs: readonly string[];
  readonly takes?: readonly string[];
}

const ranked = {
  needs: ['group_type', 'desired_sparsity', 'weights'],
  takes: ['group_dependency', 'kwargs', 'noise', 'group_size', 'rounding_fn'],
};
const gradual = {
  needs: ['initial_sparsity', 'final_sparsity', 'group_type', 'weights'],
  takes: ['group_dependency', 'kwargs'],
};
const filters = { needs: ranked.needs, takes: ['group_dependency'] };
const gradualFilters = { needs: gradual.needs, takes: ['group_dependency'] };
const trained = {
  needs: [],
  takes: ['bits_activations', 'bits_weights', 'bits_bias', 'overrides'],
};
const remover = { needs: ['thinning_func_str'], takes: ['arch', 'dataset'] };

/** Every class of Distiller that a schedule may name, by section, with the arguments of its constructor. */
export const classes: Readonly<Record<Section, Readonly<Record<string, ClassSpec>>>> = {
  pruners: {
    MagnitudeParameterPruner: { needs: ['thresholds'] },
    SensitivityPruner: { needs: ['sensitivities'] },
    SparsityLevelParameterPruner: { needs: ['levels'] },
    SplicingPruner: {
      needs: ['sensitivities', 'low_thresh_mult', 'hi_thresh_mult'],
      takes: ['sensitivity_multiplier'],
    },
    AutomatedGradualPruner: { needs: ['initial_sparsity', 'final_sparsity', 'weights'] },
    BaiduRNNPruner: { needs: ['q', 'ramp_epoch_offset', 'ramp_slope_mult', 'weights'] },
    StructureParameterPruner: { needs: ['reg_regims', 'threshold_criteria'] },
    L1RankedStructureParameterPruner: ranked,
    L2RankedStructureParameterPruner: ranked,
    ActivationAPoZRankedFilterPruner: filters,
    ActivationMeanRankedFilterPruner: filters,
    GradientRankedFilterPruner: filters,
    RandomRankedFilterPruner: filters,
    BernoulliFilterPruner: filters,
    RandomLevelStructureParameterPruner: {
      needs: ['group_type', 'sparsity_range', 'weights'],
      takes: ['group_dependency', 'kwargs'],
    },
    FMReconstructionChannelPruner: { ...ranked, takes: [...ranked.takes, 'magnitude_fn'] },
    L1RankedStructureParameterPruner_AGP: gradual,
    L2RankedStructureParameterPruner_AGP: gradual,
    ActivationAPoZRankedFilterPruner_AGP: gradualFilters,
    ActivationMeanRankedFilterPruner_AGP: gradualFilters,
    GradientRankedFilterPruner_AGP: gradualFilters,
    RandomRankedFilterPruner_AGP: gradualFilters,
    BernoulliFilterPruner_AGP: gradualFilters,
  },
  regularizers: {
    L1Regularizer: { needs: ['reg_regims'], takes: ['threshold_criteria'] },
    GroupLassoRegularizer: { needs: ['reg_regims'], takes: ['threshold_criteria'] },
    GroupVarianceRegularizer: { needs: ['reg_regims'], takes: ['threshold_criteria'] },
    DropFilterRegularizer: { needs: ['reg_regims'], takes: ['threshold_criteria'] },
  },
  quantizers: {
    DorefaQuantizer: trained,
    WRPNQuantizer: trained,
    PACTQuantizer: { needs: [], takes: [...trained.takes, 'act_clip_init_val', 'act_clip_decay'] },
    QuantAwareTrainRangeLinearQuantizer: {
      needs: [],
      takes: [...trained.takes, 'mode', 'ema_decay', 'per_channel_wts', 'quantize_inputs', 'num_bits_inputs'],
    },
    PostTrainLinearQuantizer: {
      needs: [],
      takes: [
        'bits_activations',
        'bits_parameters',
        'bits_weights',
        'bits_accum',
        'overrides',
        'mode',
        'clip_acts',
        'per_channel_wts',
        'model_activation_stats',
        'fp16',
        'clip_n_stds',
        'scale_approx_mult_bits',
        'inputs_quant_auto_fallback',
        'save_fp_weights',
        'also_clip_weights',
        'clip_half_range',
        'fpq_module',
      ],
    },
  },
  extensions: { FilterRemover: remover, ChannelRemover: remover, StructureRemover: remover },
  lr_schedulers: {
    StepLR: { needs: ['step_size'], takes: ['gamma'] },
    MultiStepLR: { needs: ['milestones'], takes: ['gamma'] },
    MultiStepMultiGammaLR: { needs: ['milestones', 'gammas'] },
    ExponentialLR: { needs: ['gamma'] },
    PolynomialLR: { needs: ['T_max', 'power'] },
    CosineAnnealingLR: { needs: ['T_max'], takes: ['eta_min'] },
    CosineAnnealingWarmRestarts: { needs: ['T_0'], takes: ['T_mult', 'eta_min'] },
    ConstantLR: { needs: [], takes: ['factor', 'total_iters'] },
    LinearLR: { needs: [], takes: ['start_factor', 'end_factor', 'total_iters'] },
    ReduceLROnPlateau: {
      needs: [],
      takes: [
        'mode',
        'factor',
        'patience',
        'verbose',
        'threshold',
        'threshold_mode',
        'cooldown',
        'min_lr',
        'eps',
      ],
    },
  },
};

/** A policy's key, and the section where its component stands. */
export const policyKinds: Readonly<Record<PolicyKind, Section>> = {
  pruner: 'pruners',
  regularizer: 'regularizers',
  quantizer: 'quantizers',
  lr_scheduler: 'lr_schedulers',
  extension: 'extensions',
};

export type PolicyKind = 'pruner' | 'regularizer' | 'quantizer' | 'lr_scheduler' | 'extension';

/** The arguments that a policy takes under `args`; Distiller ignores any other without a word. */
export const policyArguments: Readonly<Record<PolicyKind, readonly string[]>> = {
  pruner: [
    'levels',
    'keep_mask',
    'mini_batch_pruning_frequency',
    'mask_on_forward_only',
    'mask_gradients',
    'use_double_copies',
    'discard_masks_at_minibatch_end',
    'skip_first_minibatch',
    'fold_batchnorm',
  ],
  regularizer: ['keep_mask'],
  quantizer: [],
  lr_scheduler: [],
  extension: [],
};
