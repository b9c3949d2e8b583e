import { type Context, gradualNotes, numberOf, sparsities, weightsOf } from './elements.js';
import { withoutModule } from './names.js';
import type { Component, Policy } from './parse.js';
import type { MaskKind } from './policy-notes.js';
import { gradualSparsity, tidy } from './sparsity.js';
import { listed, type Rule, type Use } from './use.js';

const structured = '@espalier/pruners-structured';

const criteria: Readonly<Record<string, string>> = {
  L1Ranked: 'l1',
  L2Ranked: 'l2',
  ActivationAPoZRanked: 'apoz',
  ActivationMeanRanked: 'mean-activation',
  GradientRanked: 'taylor',
  RandomRanked: 'random',
};
const observing = ['apoz', 'mean-activation', 'taylor'];

const oneAtLeast = 'round(s·n) structures go, and one at least stays';

/** What a component's group type is here, and what is to be said of it. */
function structureOf(
  component: Component,
  thinned: boolean,
  context: Context,
): Readonly<Record<string, unknown>> {
  const { args, path, className } = component;
  const { notes, refuse } = context.schedule;
  const type = args.group_type;
  const at = [...path, 'group_type'];
  // Where nothing is removed, Distiller masks the named weights alone; what thinning removes is tied anyway.
  const tied = thinned ? {} : { tied: false };
  const lp = /^(L[12]Ranked|RandomLevel|FMReconstruction)/.test(className);
  if (type === '3D' || type === 'Filters') return { structure: 'filters', ...tied };
  if (!lp) return refuse(at, `${className} prunes Filters (or 3D), not ${JSON.stringify(type)}.`);
  if (type === 'Channels') return { structure: 'channels', ...tied };
  if (type === 'Rows') {
    notes.add(
      'defect',
      at,
      "Distiller's 'Rows' are the columns of PyTorch's [out, in], which means inputs, not units; the recipe does the same.",
    );
    return { structure: 'rows' };
  }
  if (type === 'Blocks') return { structure: 'blocks', block: blockOf(component, context) };
  return refuse(
    at,
    `there is no group type ${JSON.stringify(type)}. Known: Filters, 3D, Channels, Rows, Blocks.`,
  );
}

/**
 * Distiller's block [repetitions, depth, 1, 1] runs over `repetitions · depth` neighbours in [out, in], or, of depth
 * 1, over `repetitions` filters. TF.js has [h, w, in, out].
 */
function blockOf({ args, path }: Component, { schedule }: Context): number[] {
  const shape = (args.kwargs as { block_shape?: unknown } | undefined)?.block_shape;
  const at = [...path, ...(args.kwargs === undefined ? [] : ['kwargs'])];
  const good =
    Array.isArray(shape) && shape.length === 4 && shape.every((n) => Number.isInteger(n) && n >= 1);
  if (!good) return schedule.refuse(at, 'Blocks want kwargs: block_shape: [repetitions, depth, 1, 1].', true);
  const [repetitions, depth, height, width] = shape as number[];
  if (height !== 1 || width !== 1)
    return schedule.refuse(at, 'Distiller knows blocks of height and width 1 only.', true);
  if (depth > 1 && repetitions > 1) {
    const what = `Distiller's block of ${repetitions} × ${depth} is ${repetitions * depth} neighbouring inputs of one filter; the recipe does the same.`;
    schedule.notes.add('defect', at, what, true);
  }
  return depth > 1 ? [repetitions * depth, 1] : [1, repetitions];
}

/** Convolutions of residual blocks, by PyTorch's names, whose outputs are added up. */
function addedUp(weights: readonly string[]): string | undefined {
  const ends = new Map<string, number>();
  for (const name of weights) {
    const [, stage] =
      /^(layer\d+)\.\d+\.(?:conv2|conv3|downsample\.0)\.weight$/.exec(withoutModule(name)) ?? [];
    if (stage !== undefined) ends.set(stage, (ends.get(stage) ?? 0) + 1);
  }
  return [...ends].find(([, count]) => count > 1)?.[0];
}

/** The weights that rank, after what there is to say about their dependencies. */
function rankedWeights(component: Component, thinned: boolean, context: Context): string[] {
  const { args, path } = component;
  const { notes } = context.schedule;
  const weights = weightsOf(component, context);
  const dependency = args.group_dependency;
  const at = [...path, 'group_dependency'];
  const filters = args.group_type === 'Filters' || args.group_type === '3D';
  if (dependency === 'Leader') {
    if (!thinned) return weights;
    notes.add(
      'changed',
      at,
      `${withoutModule(weights[0])} leads, as in Distiller; which weights go along is found from the model's graph.`,
    );
    return [weights[0]];
  }
  if (dependency !== undefined && dependency !== null) {
    notes.add(
      'defect',
      at,
      `Distiller knows 'Leader' only and takes ${JSON.stringify(dependency)} for no dependency.`,
    );
  }
  const stage = filters && thinned ? addedUp(weights) : undefined;
  if (stage !== undefined) {
    notes.add(
      'defect',
      [...path, 'weights'],
      `the outputs of ${stage} are added up, but no Leader ties them: Distiller would remove different filters and sum channels that do not belong together. Here they are pruned together.`,
      true,
    );
  }
  return weights;
}

function extras({ args, path }: Component, { schedule }: Context): Readonly<Record<string, unknown>> {
  const { notes, refuse } = schedule;
  if (args.noise !== undefined && args.noise !== 0) {
    notes.add(
      'lost',
      [...path, 'noise'],
      'noise on the ranking has no counterpart here: it is left out.',
      true,
    );
  }
  if (args.rounding_fn !== undefined) {
    notes.add(
      'defect',
      [...path, 'rounding_fn'],
      'Distiller never looks at rounding_fn; neither does the recipe.',
      true,
    );
  }
  const size = args.group_size;
  if (size === undefined || size === 1) return {};
  if (!Number.isInteger(size) || (size as number) < 1)
    refuse([...path, 'group_size'], `group_size is ${JSON.stringify(size)}.`);
  notes.add(
    'defect',
    [...path, 'group_size'],
    'Distiller crashes on it; here what stays is a multiple of it.',
    true,
  );
  return { multipleOf: size };
}

/** A ranking of structures, once for all or gradually. */
function ranked(policy: Policy, prefix: string, thinned: boolean, context: Context): Rule {
  const { component, epochs, every, path } = policy;
  const { className } = component;
  const { notes } = context.schedule;
  const criterion = criteria[prefix];
  const observes = observing.includes(criterion);
  const weights = rankedWeights(component, thinned, context);
  const parameters = listed(weights.map(context.names.parameter));
  // What activations tell is told of whole dependency groups.
  const options = {
    ...structureOf(component, thinned || observes, context),
    criterion,
    ...extras(component, context),
  };
  const isGradual = className.endsWith('_AGP');
  notes.add('changed', component.path, `of n structures ${oneAtLeast}; Distiller rounds down.`, true);
  if (criterion === 'mean-activation') {
    notes.add(
      'defect',
      component.path,
      'Distiller prunes the filters with the highest mean activation; here the lowest go.',
      true,
    );
  }
  if (criterion === 'taylor') {
    notes.add(
      'defect',
      component.path,
      'Distiller ranks Σ w·g with its sign, and the most negative go first; here |Σ w·g| counts.',
      true,
    );
  }
  if (observes) {
    notes.add(
      'changed',
      path,
      `${criterion} is observed while training: at its first firing the pruner has seen nothing and takes nothing.`,
    );
  }
  const level = (sparsity: number): Use[] => [
    { use: `${structured}#structuredLevel`, options: { ...options, sparsity }, parameters },
  ];
  const why = observes ? { whileTraining: `${criterion} is observed while training` } : {};
  if (!isGradual) {
    const uses = level(numberOf(component, 'desired_sparsity', context, [0, 1]));
    return { at: () => uses, row: () => uses, steady: true, ...why };
  }
  const { initial, final } = sparsities(component, context);
  gradualNotes(policy, context);
  if (every === undefined) {
    const what = 'Distiller crashes on AGP with a list of epochs; the recipe spreads the curve over them.';
    notes.add('defect', [...path, 'epochs'], what, true);
  }
  const at = (e: number): number => tidy(gradualSparsity(initial, final, e, epochs));
  return {
    at: (e) => level(at(e)),
    row: (first, last) =>
      last === epochs.at(-1) && every !== undefined
        ? [
            {
              use: `${structured}#structuredAgp`,
              options: { ...options, initial: at(first), final },
              parameters,
            },
          ]
        : undefined,
    ...why,
  };
}

/** PyTorch's rows are [out, in]. */
const thresholdTypes: Readonly<Record<string, string>> = {
  '2D': 'kernels',
  Rows: 'columns',
  Cols: 'rows',
  '3D': 'filters',
  Filters: 'filters',
  Channels: 'channels',
};

function byThreshold({ component }: Policy, thinned: boolean, context: Context): Rule {
  const { args, path } = component;
  const { refuse } = context.schedule;
  const criterion = args.threshold_criteria === 'Max' ? 'max' : 'l1';
  if (args.threshold_criteria !== 'Max' && args.threshold_criteria !== 'Mean_Abs') {
    refuse([...path, 'threshold_criteria'], 'threshold_criteria is Max or Mean_Abs.');
  }
  const groups = new Map<string, { options: Readonly<Record<string, unknown>>; names: string[] }>();
  for (const [torch, value] of Object.entries(args.reg_regims as object) as [string, unknown][]) {
    const at = [...path, 'reg_regims', torch];
    const [threshold, type] = Array.isArray(value) ? (value as unknown[]) : [];
    const structure = thresholdTypes[type as string];
    if (typeof threshold !== 'number' || structure === undefined) {
      return refuse(
        at,
        `${JSON.stringify(value)} is not [threshold, group type]. Group types: ${Object.keys(thresholdTypes).join(', ')}.`,
      );
    }
    const tied = !thinned && ['filters', 'channels'].includes(structure) ? { tied: false } : {};
    const key = JSON.stringify(value);
    const group = groups.get(key) ?? { options: { structure, ...tied, criterion, threshold }, names: [] };
    groups.set(key, group);
    group.names.push(context.names.parameter(torch));
  }
  const uses = [...groups.values()].map(({ options, names }): Use => {
    return { use: `${structured}#structuredThreshold`, options, parameters: listed(names) };
  });
  return { at: () => uses, row: () => uses, steady: true };
}

/** Pruners of structures by Distiller's class. */
export function structureRule(
  policy: Policy,
  context: Context,
  thinners: readonly Policy[],
): { readonly rule: Rule | undefined; readonly kind: MaskKind } {
  const { className, path } = policy.component;
  const thinned = thinners.length > 0;
  if (className === 'StructureParameterPruner') {
    return { rule: byThreshold(policy, thinned, context), kind: 'mask' };
  }
  const prefix = className.replace(/(Structure|Filter)?(Parameter)?Pruner(_AGP)?$/, '');
  if (criteria[prefix] !== undefined) return { rule: ranked(policy, prefix, thinned, context), kind: 'mask' };
  context.schedule.notes.add('lost', path, `${className} has no counterpart here: it is left out.`, true);
  return { rule: undefined, kind: 'noise' };
}
