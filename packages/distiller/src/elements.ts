import { type Context, type Numbers, numberOf, perWeight, weightsOf } from './arguments.js';
import type { Component, Policy } from './parse.js';
import { gradualSparsity, rampThreshold, tidy } from './sparsity.js';
import { listed, type Rule, type Use } from './use.js';

const pruners = '@espalier/pruners';

const same = (use: Use): Pick<Rule, 'at' | 'row' | 'steady'> => ({
  at: () => [use],
  row: () => [use],
  steady: true,
});

function gradual(policy: Policy, context: Context): Rule {
  const { component, epochs, every, path } = policy;
  const { initial, final } = sparsities(component, context);
  const parameters = listed(weightsOf(component, context).map(context.names.parameter));
  gradualNotes(policy, context);
  if (initial === 0) {
    const what = 'Distiller crashes at sparsity 0; here nothing is pruned at the first firing.';
    context.schedule.notes.add('defect', [...component.path, 'initial_sparsity'], what, true);
  }
  if (every === undefined) {
    const what = 'Distiller crashes on AGP with a list of epochs; the recipe spreads the curve over them.';
    context.schedule.notes.add('defect', [...path, 'epochs'], what, true);
  }
  const level = (e: number): number => tidy(gradualSparsity(initial, final, e, epochs));
  return {
    at: (e) => [
      { use: `${pruners}#level`, options: { sparsity: level(e), compat: 'distiller' }, parameters },
    ],
    // The rest of a cubic is a cubic: from where it stands, to the same end.
    row: (first, last) =>
      last === epochs.at(-1) && every !== undefined
        ? [
            {
              use: `${pruners}#agp`,
              options: { initial: level(first), final, compat: 'distiller' },
              parameters,
            },
          ]
        : undefined,
  };
}

/** The two sparsities of a gradual pruner. */
export function sparsities(component: Component, context: Context): { initial: number; final: number } {
  const initial = numberOf(component, 'initial_sparsity', context, [0, 1]);
  const final = numberOf(component, 'final_sparsity', context, [0, 1]);
  if (final <= initial) {
    context.schedule.refuse(
      [...component.path, 'final_sparsity'],
      `final_sparsity ${final} is not above initial_sparsity ${initial}.`,
    );
  }
  return { initial, final };
}

/** What is to be said of every gradual pruner. */
export function gradualNotes({ epochs, path }: Policy, { schedule }: Context): void {
  if (epochs.length > 1) return;
  const what =
    'a gradual pruner that fires once: Distiller stops here, the recipe goes to the final sparsity.';
  schedule.notes.add('defect', path, what);
}

function baidu({ component, start, end, every, path }: Policy, context: Context): Rule {
  const [q, offset, slope] = ['q', 'ramp_epoch_offset', 'ramp_slope_mult'].map((key) =>
    numberOf(component, key, context, [0, Infinity]),
  );
  const parameters = listed(weightsOf(component, context).map(context.names.parameter));
  if (every === undefined) {
    return context.schedule.refuse(
      [...path, 'epochs'],
      'BaiduRNNPruner needs a range of epochs, not a list.',
      true,
    );
  }
  const threshold = (e: number): number =>
    tidy(rampThreshold({ q, offset, slope }, e, { start, end, every }));
  return {
    at: (e) => [{ use: `${pruners}#magnitude`, options: { threshold: threshold(e) }, parameters }],
    row: (first) =>
      first === start
        ? [
            {
              use: `${pruners}#baiduRnn`,
              options: { q, rampOffset: offset, rampSlope: slope, compat: 'distiller' },
              parameters,
            },
          ]
        : undefined,
    exactEnd: true,
  };
}

function splicing({ component, args, start, path }: Policy, context: Context): Rule {
  const { notes } = context.schedule;
  const { parameters, value } = perWeight(component, 'sensitivities', component.args.sensitivities, context);
  const growth =
    component.args.sensitivity_multiplier === undefined
      ? 0
      : numberOf(component, 'sensitivity_multiplier', context);
  const low = numberOf(component, 'low_thresh_mult', context, [0, Infinity]);
  const high = numberOf(component, 'hi_thresh_mult', context, [low, Infinity]);
  if (args.use_double_copies !== true) {
    notes.add(
      'defect',
      path,
      'without use_double_copies Distiller zeroes the weights themselves, and what is pruned hardly ever comes back; here a dense copy is kept, so that surgery works as published.',
    );
  } else if (args.mask_on_forward_only !== true) {
    notes.add(
      'defect',
      path,
      'without mask_on_forward_only Distiller masks the dense copy as well, and what is pruned never comes back; here it may.',
    );
  }
  if (args.mask_on_forward_only === true && args.keep_mask !== true) {
    const what =
      'without keep_mask Distiller ends with dense weights; here what is pruned at the end stays pruned.';
    notes.add('changed', path, what);
  }
  const scaled = (by: number): number | Numbers =>
    typeof value === 'number'
      ? tidy(value * by)
      : Object.fromEntries(Object.entries(value).map(([name, s]) => [name, tidy(s * by)]));
  // s(1 + g(e - start)), written from a later epoch on: a larger s that grows by a smaller share of itself.
  const from = (epoch: number): Use[] => {
    const grown = 1 + Math.max(0, growth) * (epoch - start);
    const rate = tidy(Math.max(0, growth) / grown);
    const options = { sensitivity: scaled(grown), low, high, ...(rate > 0 && { growth: rate }) };
    return [{ use: `${pruners}#splicing`, options, parameters }];
  };
  return {
    at: from,
    row: from,
    steady: true,
    whenBroken: 'mean and deviation are measured anew, and what was pruned stays pruned',
  };
}

function byThreshold(policy: Policy, context: Context): Rule {
  const { component } = policy;
  const { thresholds } = component.args;
  if (thresholds !== null && typeof thresholds === 'object' && !('*' in thresholds)) {
    const what = "Distiller stops without a threshold for '*'; here the named weights are pruned.";
    context.schedule.notes.add('defect', [...component.path, 'thresholds'], what, true);
  }
  const { parameters, value } = perWeight(component, 'thresholds', thresholds, context);
  return same({ use: `${pruners}#magnitude`, options: { threshold: value }, parameters });
}

function bySensitivity({ component }: Policy, context: Context): Rule {
  const { parameters, value } = perWeight(component, 'sensitivities', component.args.sensitivities, context);
  return {
    ...same({ use: `${pruners}#sensitivity`, options: { sensitivity: value }, parameters }),
    whenBroken: 'σ is measured anew, on the weights as they are then',
  };
}

function byLevel({ component, args, path }: Policy, context: Context): Rule {
  const own = args.levels === undefined ? component : { ...component, path: [...path, 'pruner', 'args'] };
  const { parameters, value } = perWeight(own, 'levels', args.levels ?? component.args.levels, context);
  const options = { sparsity: value, compat: 'distiller' };
  return same({ use: `${pruners}#level`, options, parameters });
}

/** Pruners of single weights by Distiller's class. */
export const elementRules: Readonly<Record<string, (policy: Policy, context: Context) => Rule>> = {
  MagnitudeParameterPruner: byThreshold,
  SensitivityPruner: bySensitivity,
  SparsityLevelParameterPruner: byLevel,
  SplicingPruner: splicing,
  AutomatedGradualPruner: gradual,
  BaiduRNNPruner: baidu,
};
