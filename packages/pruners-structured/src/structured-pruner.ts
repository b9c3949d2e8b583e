import {
  EspalierError,
  type Moment,
  type ObservedStep,
  type Of,
  type Parameter,
  type PluginState,
  type Pruner,
  type Read,
  type RunState,
  readNow,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type CriterionOptions, checkCriterion, criterionOptions, scorerOf } from './criteria/criterion.js';
import type { Scoring } from './criteria/scorer.js';
import { join, split } from './nested-state.js';
import { checkReconstruct, Reconstruction, type ReconstructOptions } from './reconstruct/reconstruction.js';
import type { Ranked } from './structures/choose.js';
import { masksOf, partsOf } from './structures/parts.js';
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

/** Says which structures go (1), set by set, at a moment. */
export type Choice = (ranked: readonly Ranked[], of: Of, at: Moment) => readonly Uint8Array[];

/**
 * A pruner of structures: finds them when it is started, scores them at each firing, and masks what `choice`
 * says, with all that is tied to it.
 */
export function structuredPruner(owner: string, options: StructuredOptions, choice: Choice): Pruner {
  const start = (run: RunState, of: Of, state?: PluginState): StructuredSession =>
    new StructuredSession(owner, options, choice, run, of, state);
  return {
    name: owner,
    kinds: ['pruner'],
    check(run, of) {
      start(run, of).dispose();
    },
    start(run, of, state) {
      const session = start(run, of, state);
      const { masks, observe, save } = session;
      // Gradients are collected, and steps shown, for those who look at them.
      if (!session.observes) return { masks };
      return { masks, observe, save, dispose: () => session.dispose() };
    },
  };
}

/** What a structured pruner knows of the structures that it was started on. */
class StructuredSession {
  readonly #owner: string;
  readonly #choice: Choice;
  readonly #run: RunState;
  readonly #of: Of;
  readonly #sets: readonly Structures[];
  readonly #scoring: Scoring;
  readonly #reconstruction: Reconstruction | undefined;
  readonly observes: boolean;

  constructor(
    owner: string,
    options: StructuredOptions,
    choice: Choice,
    run: RunState,
    of: Of,
    state: PluginState | undefined,
  ) {
    const { reconstruct = false } = options;
    const { sets, tied } = resolve(owner, run, of, options);
    const scorer = scorerOf(options);
    this.observes = scorer.observes || reconstruct !== false;
    const parts = state === undefined || !this.observes ? {} : split(owner, state);
    this.#owner = owner;
    this.#choice = choice;
    this.#run = run;
    this.#of = of;
    this.#sets = sets;
    if (reconstruct !== false) {
      const own = reconstruct === true ? {} : reconstruct;
      this.#reconstruction = new Reconstruction(owner, own, run, sets, parts.reconstruction);
    }
    this.#scoring = scorer.start({ owner, run, sets, tied }, parts.scorer);
  }

  readonly masks = (
    at: Moment,
    read: Read = readNow,
  ): Map<Parameter, tf.Tensor> | Promise<Map<Parameter, tf.Tensor>> => {
    const reconstruction = this.#reconstruction;
    if (reconstruction?.ready === false) return this.#blind(at);
    const scored = [...new Set(this.#sets.flatMap((set) => set.scored.map(({ parameter }) => parameter)))];
    return read(
      () => ({
        scores: this.#sets.map((set) => this.#scoring.look(set)),
        masks: scored.map((parameter) => this.#run.mask(parameter)),
        refit: reconstruction?.look(),
      }),
      ({ scores, masks, refit }) => {
        const ranked: Ranked[] = [];
        for (const [i, set] of this.#sets.entries()) {
          const numbers = scores[i];
          if (numbers === undefined) return this.#blind(at);
          const gone = goneIn(set, (parameter) => masks[scored.indexOf(parameter)]);
          ranked.push({ set, scores: this.#scoring.scores(set, numbers), gone });
        }
        const pruned = this.#choice(ranked, this.#of, at);
        const parts = partsOf(ranked.map(({ set }, i) => ({ set, pruned: pruned[i] })));
        reconstruction?.apply(parts, refit!);
        this.#fired(at);
        return masksOf(parts);
      },
    );
  };

  /** Nothing has been observed yet: there is another firing for that. */
  #blind(at: Moment): Map<Parameter, tf.Tensor> {
    if (at.index === at.count - 1) {
      throw new EspalierError('invalid-schedule', `${this.#owner} has observed nothing when it last fires.`, {
        remedy: 'Let the schedule fire at least twice: what happens before a firing is what it goes by.',
      });
    }
    this.#fired(at);
    return new Map();
  }

  #fired(at: Moment): void {
    this.#scoring.fired?.(at);
    this.#reconstruction?.fired(at);
  }

  readonly observe = (step: ObservedStep): void => {
    this.#scoring.observe?.(step);
    this.#reconstruction?.observe(step);
  };

  readonly save = (read: Read = readNow): PluginState | Promise<PluginState> =>
    join({ scorer: this.#scoring.save?.(read), reconstruction: this.#reconstruction?.save(read) });

  dispose(): void {
    this.#scoring.dispose?.();
    this.#reconstruction?.dispose();
  }
}
