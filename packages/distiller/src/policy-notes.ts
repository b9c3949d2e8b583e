import { shown } from '@espalier/core';
import type { DistillerSchedule, Policy } from './parse.js';

/** How a pruner's masks come and go, as far as it decides what there is to say. */
export type MaskKind = 'mask' | 'splicing' | 'noise';

/** What a reader must know of the arguments of a pruner policy. */
export function pruningNotes(policy: Policy, kind: MaskKind, { notes, refuse }: DistillerSchedule): void {
  const { args, path, epochs, start, end, every, component } = policy;
  const at = (key: string): (string | number)[] => [...path, 'pruner', 'args', key];
  const say = (what: 'lost' | 'changed' | 'defect', key: string, message: string): void =>
    notes.add(what, at(key), message, true);
  if (args.mask_gradients === true && args.mask_on_forward_only !== true) {
    refuse(at('mask_gradients'), 'Distiller refuses mask_gradients without mask_on_forward_only.', true);
  }
  if (args.levels !== undefined && component.className !== 'SparsityLevelParameterPruner') {
    say(
      'defect',
      'levels',
      `${component.className} does not look at 'levels': Distiller ignores it, and so does the recipe.`,
    );
  }
  if (kind === 'mask' && args.mask_on_forward_only === true) {
    const again =
      args.use_double_copies === true
        ? 'ranks the dense copy anew at every firing, so that pruned weights may come back'
        : 'lets pruned weights drift between two batches';
    const after = args.keep_mask === true ? '' : ', and drops the masks after the last epoch';
    say('changed', 'mask_on_forward_only', `Distiller ${again}${after}; here what is pruned stays pruned.`);
  }
  if (kind === 'mask' && args.discard_masks_at_minibatch_end === true) {
    say(
      'changed',
      'discard_masks_at_minibatch_end',
      'Distiller throws the masks away after each batch; here they stay.',
    );
  }
  if (args.fold_batchnorm === true) {
    say(
      'lost',
      'fold_batchnorm',
      'ranking by the weights with batch norm folded in has no counterpart here: the weights themselves are ranked.',
    );
  }
  if (args.keep_mask === true) keepNote(policy, notes, at('keep_mask'));
  if (args.skip_first_minibatch === true) {
    if (start > 0) {
      say(
        'defect',
        'skip_first_minibatch',
        `Distiller makes up for it in step 1 of epoch 0 only: the masks of epoch ${start} are never set. Here they are set in its first step.`,
      );
    } else {
      say(
        'changed',
        'skip_first_minibatch',
        'Distiller leaves the very first batch unpruned; here pruning begins with it.',
      );
    }
  }
  const steps = args.mini_batch_pruning_frequency;
  if (steps !== undefined && (!Number.isInteger(steps) || (steps as number) < 0)) {
    refuse(at('mini_batch_pruning_frequency'), `${shown(steps)} is not a number of batches.`);
  }
  if (Number(steps) > 0 && every !== 1 && epochs.length > 1) {
    say(
      'defect',
      'mini_batch_pruning_frequency',
      'Distiller wants frequency 1 with it; it acts in the scheduled epochs only, here as there.',
    );
  }
  if (end === start) refuse(path, 'this policy never acts.');
}

/** `keep_mask` takes effect at the end of epoch `ending_epoch - 1`, if the policy acts in it. */
export function keepsMask({ epochs, end, args }: Policy): boolean {
  return args.keep_mask === true && epochs.at(-1) === end - 1;
}

export function keepNote(policy: Policy, notes: DistillerSchedule['notes'], path: (string | number)[]): void {
  const { epochs, end, every } = policy;
  if (keepsMask(policy)) return;
  notes.add(
    'defect',
    path,
    `with frequency ${every} the policy does not act in epoch ${end - 1}, so that keep_mask never takes effect in Distiller; here it does after epoch ${epochs.at(-1)}.`,
    true,
  );
}

/** Distiller has one mask for each weight: where two policies set it, the last one wins. */
export function overlapNotes(
  all: readonly { readonly policy: Policy; readonly parameters: ReadonlySet<string> }[],
  { notes }: DistillerSchedule,
): void {
  for (const [i, one] of all.entries()) {
    for (const other of all.slice(i + 1)) {
      const shared = [...one.parameters].find((name) => other.parameters.has(name));
      const epoch = one.policy.epochs.find((e) => other.policy.epochs.includes(e));
      if (shared === undefined || epoch === undefined) continue;
      notes.add(
        'defect',
        other.policy.path,
        `'${one.policy.component.name}' and '${other.policy.component.name}' both mask ${shared} in epoch ${epoch}: in Distiller the last one undoes the other; here both masks hold.`,
      );
    }
  }
}
