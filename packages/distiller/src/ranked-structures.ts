import { shown } from '@espalier/core';
import { type Context, numberOf, weightsOf } from './arguments.js';
import { gradualNotes, sparsities } from './elements.js';
import { withoutModule } from './names.js';
import type { Component, Policy } from './parse.js';
import { gradualSparsity, tidy } from './sparsity.js';
import { structured, structureOf } from './structure-kinds.js';
import { listed, type Rule, type Use } from './use.js';

/** Criteria by the beginning of Distiller's class. */
export const criteria: Readonly<Record<string, string>> = {
  L1Ranked: 'l1',
  L2Ranked: 'l2',
  ActivationAPoZRanked: 'apoz',
  ActivationMeanRanked: 'mean-activation',
  GradientRanked: 'taylor',
  RandomRanked: 'random',
  FMReconstructionChannel: 'l1',
};
const observing = ['apoz', 'mean-activation', 'taylor'];

const oneAtLeast = 'round(s·n) structures go, and one at least stays';

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
      `Distiller knows 'Leader' only and takes ${shown(dependency)} for no dependency.`,
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
    refuse([...path, 'group_size'], `group_size is ${shown(size)}.`);
  notes.add(
    'defect',
    [...path, 'group_size'],
    'Distiller crashes on it; here what stays is a multiple of it.',
    true,
  );
  return { multipleOf: size };
}

/** A ranking of structures, once for all or gradually. */
export function ranked(policy: Policy, prefix: string, removed: boolean, context: Context): Rule {
  const { component, epochs, every, path } = policy;
  const { className } = component;
  const { notes } = context.schedule;
  // A leader's followers are those that the model ties to it.
  const thinned = removed || component.args.group_dependency === 'Leader';
  const criterion = criteria[prefix];
  // He et al. fit the weights that stay to samples of the feature maps.
  const reconstruct = prefix.startsWith('FMReconstruction');
  const observes = reconstruct || observing.includes(criterion);
  const weights = rankedWeights(component, thinned, context);
  const parameters = listed(weights.map(context.names.parameter));
  // What activations tell is told of whole dependency groups.
  const options = {
    ...structureOf(component, thinned || observes, context),
    criterion,
    ...(reconstruct && { reconstruct: true }),
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
      `${reconstruct ? 'feature maps are' : `${criterion} is`} observed while training: at its first firing the pruner has seen nothing and takes nothing.`,
    );
  }
  const level = (sparsity: number): Use[] => [
    { use: `${structured}#structuredLevel`, options: { ...options, sparsity }, parameters },
  ];
  const why = observes
    ? { whileTraining: `${reconstruct ? 'feature maps are' : `${criterion} is`} observed while training` }
    : {};
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
