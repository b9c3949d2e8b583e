import type { Report } from '@espalier/report';
import type { Sensitivity } from '@espalier/sensitivity';
import type { CompressOutcome, CompressUse } from '../pipeline/compress-once.js';
import type { MeasuredPart } from '../pipeline/measures.js';
import type { SensitivityUse } from '../pipeline/sensitivity-of.js';
import type { Watching } from '../pipeline/watch.js';

/** A recipe to run: what changes from trial to trial. It is read from its file by whoever runs it. */
export interface RecipeTask {
  readonly kind: 'recipe';
  readonly file: string;
  /** As `--set` gives them. */
  readonly set: readonly string[];
  /** Of a search: the value for each of its paths. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** Trains for this share of the epochs. Default 1. */
  readonly share?: number;
  /** So many stages at the front were run before: their model. */
  readonly common?: { readonly stages: number; readonly model: string };
  readonly measure: MeasuredPart;
  /** For the report: the command that runs this again. */
  readonly command?: string;
  /** For whom it is watched, in its folder. */
  readonly watched?: Watching;
}

/** What has come of a run. */
export interface RecipeOutcome {
  /** Of the decoded file; absent where labels are no classes. */
  readonly error?: number;
  /** The goal, where it is not accuracy. */
  readonly value?: number;
  readonly bytes: number;
  readonly ratio: number;
  readonly dense: { readonly error?: number; readonly value?: number };
  readonly goal?: Report['goal'];
  readonly measures?: Report['measures'];
}

/** Tensors to prune, one at a time. */
export interface SensitivityTask extends SensitivityUse {
  readonly kind: 'sensitivity';
}

/** A model to compress to one aim. */
export interface CompressTask extends CompressUse {
  readonly kind: 'compress';
}

/** One piece of work that needs nothing of the others, as plain data. */
export type Task = RecipeTask | SensitivityTask | CompressTask;

/** What a task comes to. */
export type OutcomeOf<T extends Task> = T extends RecipeTask
  ? RecipeOutcome
  : T extends SensitivityTask
    ? Sensitivity
    : CompressOutcome;
