import { shown } from '@espalier/core';
import { type Context, numberOf, weightsOf } from './arguments.js';
import { gradualNotes, sparsities } from './elements.js';
import type { Policy } from './parse.js';
import { gradualSparsity, tidy } from './sparsity.js';
import { structured, structureOf } from './structure-kinds.js';
import { listed, type Rule, type Use } from './use.js';

/** Structures that are dropped at random while training, and come back after each step. */
export function dropped(policy: Policy, context: Context): Rule {
  const { component, args: own, path, epochs } = policy;
  const { className, args, path: at } = component;
  const { notes, refuse } = context.schedule;
  const parameters = listed(weightsOf(component, context).map(context.names.parameter));
  const structure = structureOf(component, false, context);
  const steps = Number(own.mini_batch_pruning_frequency ?? 0);
  const say = (kind: 'changed' | 'defect', message: string): void => notes.add(kind, path, message);
  // A mask that is thrown away after its batch acts in that batch alone, and in the first one of each epoch.
  const discards = own.discard_masks_at_minibatch_end === true;
  const every = discards && steps > 1 ? { every: steps } : {};
  if (!discards) {
    const often = steps > 0 ? `${steps} batches` : 'epoch';
    say('changed', `Distiller draws anew every ${often} and keeps that; here every step draws anew.`);
  } else if (steps === 0) {
    say('changed', 'Distiller drops in the first batch of each epoch only; here in every step.');
  }
  if (own.use_double_copies !== true) {
    say(
      'defect',
      'without use_double_copies Distiller overwrites the weights by what is left of them; here they are as before after each step.',
    );
  }
  if (own.mask_gradients !== true) {
    say(
      'changed',
      'without mask_gradients Distiller trains what is dropped as well; here it gets no gradient.',
    );
  }
  if (own.mask_on_forward_only !== true || own.keep_mask === true) {
    say(
      'changed',
      "Distiller leaves the last draw's mask on the weights; here nothing is dropped after the policy's end.",
    );
  }
  if (className === 'RandomLevelStructureParameterPruner') {
    const range = args.sparsity_range;
    const good = Array.isArray(range) && range.length === 2 && range.every((s) => s >= 0 && s <= 1);
    if (!good)
      return refuse(
        [...at, 'sparsity_range'],
        `sparsity_range is ${shown(range)}: [low, high] in [0, 1] is wanted.`,
      );
    const [low, high] = [...(range as number[])].sort((a, b) => a - b);
    const use = {
      use: `${structured}#randomLevelDrop`,
      options: { ...structure, low, high, scale: false, ...every },
      parameters,
    };
    return {
      at: () => [use],
      row: (_first, _last, every) => (every === 1 ? [use] : undefined),
      steady: true,
    };
  }
  const use = (rate: number, initial?: number): Use[] => [
    {
      use: `${structured}#bernoulliDrop`,
      options: { ...structure, ...(initial !== undefined && { initial }), rate, ...every },
      parameters,
    },
  ];
  if (!className.endsWith('_AGP')) {
    const uses = use(numberOf(component, 'desired_sparsity', context, [0, 1]));
    return { at: () => uses, row: (_first, _last, every) => (every === 1 ? uses : undefined), steady: true };
  }
  const { initial, final } = sparsities(component, context);
  gradualNotes(policy, context);
  say('changed', 'the rate rises from step to step; in Distiller from epoch to epoch.');
  const rate = (e: number): number => tidy(gradualSparsity(initial, final, e, epochs));
  return {
    at: (e) => use(rate(e)),
    row: (first, last, every) =>
      every === 1 && last === epochs.at(-1) ? use(final, rate(first)) : undefined,
    steady: true,
  };
}
