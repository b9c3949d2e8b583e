import {
  EspalierError,
  type Moment,
  type ObservedStep,
  type Of,
  type Parameter,
  type PluginState,
  type Pruner,
  type Read,
  type Run,
  readNow,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type CriterionOptions, checkCriterion, criterionOptions, scorerOf } from './criteria/criterion.js';
import { join, split } from './nested-state.js';
import { checkReconstruct, Reconstruction, type ReconstructOptions } from './reconstruct/reconstruction.js';
import type { Ranked } from './structures/choose.js';
import { masksOf, type Parts, partsOf } from './structures/parts.js';
import {
  checkStructure,
  isTied,
  resolve,
  type StructureOptions,
  structureOptions,
} from './structures/resolve.js';
import { goneIn, type Structures } from './structures/structures.js';

/** What structured pruners have in common: structures and criterion. */
export interface StructuredOptions extends StructureOptions, CriterionOptions {
  /**
   * Fits the layers that read what goes, in least squares, so that their outputs stay as near as can be (dense
   * layers, 1-D and 2-D convolutions). Their inputs are observed, so that the schedule has to fire more than
   * once. Default false.
   */
  readonly reconstruct?: boolean | ReconstructOptions;
}

export const structuredOptions: readonly string[] = [...structureOptions, ...criterionOptions, 'reconstruct'];

/** @throws EspalierError `invalid-option`, `unknown-name`, `unknown-option` */
export function checkStructured(owner: string, options: StructuredOptions): void {
  checkStructure(owner, options);
  checkCriterion(owner, options);
  const { reconstruct = false } = options;
  if (typeof reconstruct === 'object') checkReconstruct(owner, reconstruct);
  else if (typeof reconstruct !== 'boolean') {
    throw new EspalierError('invalid-option', `${owner}: reconstruct is ${String(reconstruct)}.`, {
      remedy: 'Give true, false or its options.',
    });
  }
  if (reconstruct !== false && !isTied(options)) {
    throw new EspalierError('invalid-option', `${owner}: reconstruct has no meaning here.`, {
      remedy: 'It is for filters, units and channels with what is tied to them.',
    });
  }
}

/** Fits what reads pruned structures. */
type Refit = (parts: Parts) => void;

/** Says which structures go (1), set by set, at a moment. */
export type Choice = (ranked: readonly Ranked[], of: Of, at: Moment) => readonly Uint8Array[];

/**
 * A pruner of structures: finds them when it is started, scores them at each firing, and masks what `choice`
 * says, with all that is tied to it.
 */
export function structuredPruner(owner: string, options: StructuredOptions, choice: Choice): Pruner {
  const { reconstruct = false } = options;
  const scorer = scorerOf(options);
  const reconstruction =
    reconstruct === false ? undefined : new Reconstruction(owner, reconstruct === true ? {} : reconstruct);
  let run: Run | undefined;
  let sets: readonly Structures[] = [];

  return {
    name: owner,
    check(there, of) {
      const found = resolve(owner, there, of, options);
      scorerOf(options).start?.({ owner, run: there, ...found });
      if (reconstruction !== undefined) new Reconstruction(owner, {}).start(there, found.sets);
    },
    start(started, of) {
      const { sets: found, tied } = resolve(owner, started, of, options);
      run = started;
      sets = found;
      scorer.start?.({ owner, run, sets, tied });
      reconstruction?.start(run, sets);
    },
    masks(of, at, read = readNow) {
      const here = run;
      if (here === undefined) throw notStarted(owner);
      const decide = (ranked: readonly Ranked[], refit: Refit): Map<Parameter, tf.Tensor> => {
        const pruned = choice(ranked, of, at);
        const parts = partsOf(ranked.map(({ set }, i) => ({ set, pruned: pruned[i] })));
        refit(parts);
        fired(at);
        return masksOf(parts);
      };
      return look(read, here, decide, () => {
        if (at.index === at.count - 1) throw blind(owner);
        fired(at);
        return new Map<Parameter, tf.Tensor>();
      });
    },
    ...((scorer.observe || reconstruction) && {
      observe(step: ObservedStep) {
        scorer.observe?.(step);
        reconstruction?.observe(step);
      },
      save: (read = readNow) =>
        join({ scorer: scorer.save?.(read), reconstruction: reconstruction?.save(read) }),
      load(state: PluginState) {
        const parts = split(state);
        if (parts.scorer) scorer.load?.(parts.scorer);
        if (parts.reconstruction) reconstruction?.load(parts.reconstruction);
      },
      dispose() {
        scorer.dispose?.();
        reconstruction?.dispose();
      },
    }),
  };

  /** Reads all that the choice and the refit go by. `blind` where nothing has been observed yet. */
  function look<T>(
    read: Read,
    here: Run,
    decide: (ranked: readonly Ranked[], refit: Refit) => T,
    blind: () => T,
  ): T | Promise<T> {
    if (reconstruction?.ready === false) return blind();
    const scored = [...new Set(sets.flatMap((set) => set.scored.map(({ parameter }) => parameter)))];
    return read(
      () => ({
        scores: sets.map((set) => scorer.look(set)),
        masks: scored.map((parameter) => here.mask(parameter)),
        refit: reconstruction?.look(),
      }),
      ({ scores, masks, refit }) => {
        const ranked: Ranked[] = [];
        for (const [i, set] of sets.entries()) {
          const numbers = scores[i];
          if (numbers === undefined) return blind();
          const gone = goneIn(set, (parameter) => masks[scored.indexOf(parameter)]);
          ranked.push({ set, scores: scorer.scores(set, numbers), gone });
        }
        return decide(ranked, (parts) => reconstruction?.apply(parts, refit!));
      },
    );
  }

  function fired(at: Moment): void {
    scorer.fired?.(at);
    reconstruction?.fired(at);
  }
}

function blind(owner: string): EspalierError {
  return new EspalierError('invalid-schedule', `${owner} has observed nothing when it last fires.`, {
    remedy: 'Let the schedule fire at least twice: what happens before a firing is what it goes by.',
  });
}

function notStarted(owner: string): EspalierError {
  return new EspalierError('bad-plugin', `${owner} was not started: it does not know the model.`, {
    remedy: 'Call pruner.start(run, run.select(parameters)) before run.prune(pruner, parameters).',
  });
}
