import { EspalierError, type Moment, type Of, type Parameter, type Pruner, type Run } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type CriterionOptions, checkCriterion, criterionOptions, scorerOf } from './criteria/criterion.js';
import type { Ranked } from './structures/choose.js';
import { checkStructure, resolve, type StructureOptions, structureOptions } from './structures/resolve.js';
import { type Slice, spread } from './structures/slice.js';
import { goneIn, type Structures } from './structures/structures.js';

/** What structured pruners have in common: structures and criterion. */
export type StructuredOptions = StructureOptions & CriterionOptions;

export const structuredOptions: readonly string[] = [...structureOptions, ...criterionOptions];

/** @throws EspalierError `invalid-option`, `unknown-name` */
export function checkStructured(owner: string, options: StructuredOptions): void {
  checkStructure(owner, options);
  checkCriterion(owner, options);
}

/** Says which structures go (1), set by set, at a moment; `undefined`: none yet. */
export type Choice = (ranked: readonly Ranked[], of: Of, at: Moment) => readonly Uint8Array[];

/**
 * A pruner of structures: finds them when it is started, scores them at each firing, and masks what `choice`
 * says, with all that is tied to it.
 */
export function structuredPruner(owner: string, options: StructuredOptions, choice: Choice): Pruner {
  const scorer = scorerOf(options);
  let run: Run | undefined;
  let sets: readonly Structures[] = [];

  return {
    name: owner,
    start(started, of) {
      const { sets: found, tied } = resolve(owner, started, of, options);
      run = started;
      sets = found;
      scorer.start?.({ owner, run, sets, tied });
    },
    masks(of, at) {
      if (run === undefined) throw notStarted(owner);
      const here = run;
      const ranked: Ranked[] = [];
      for (const set of sets) {
        const scores = scorer.scores(set);
        if (scores !== undefined) ranked.push({ set, scores, gone: goneIn(here, set) });
      }
      scorer.fired?.(at);
      if (ranked.length < sets.length) {
        if (at.index < at.count - 1) return new Map();
        throw new EspalierError('invalid-schedule', `${owner} has observed nothing when it last fires.`, {
          remedy: 'Let the schedule fire at least twice: what happens before a firing is what it goes by.',
        });
      }
      const pruned = choice(ranked, of, at);
      return masksOf(ranked.map(({ set }, i) => ({ set, pruned: pruned[i] })));
    },
    ...(scorer.observe && { observe: scorer.observe }),
    ...(scorer.save && { save: scorer.save }),
    ...(scorer.load && { load: scorer.load }),
  };
}

function notStarted(owner: string): EspalierError {
  return new EspalierError('bad-plugin', `${owner} was not started: it does not know the model.`, {
    remedy: 'Call pruner.start(run, run.select(parameters)) before run.prune(pruner, parameters).',
  });
}

/** Masks of all weights that go with pruned structures, in the parameters' shapes. */
export function masksOf(
  chosen: readonly { readonly set: Structures; readonly pruned: Uint8Array }[],
): Map<Parameter, tf.Tensor> {
  const parts = new Map<Parameter, { slices: Slice[]; factors: Uint8Array[] }>();
  for (const { set, pruned } of chosen) {
    if (!pruned.includes(1)) continue;
    const kept = pruned.map((p) => 1 - p);
    for (const slice of set.masked) {
      const part = parts.get(slice.parameter) ?? { slices: [], factors: [] };
      parts.set(slice.parameter, part);
      part.slices.push(slice);
      part.factors.push(kept);
    }
  }
  return new Map([...parts].map(([parameter, { slices, factors }]) => [parameter, spread(slices, factors)]));
}
