import { join } from 'node:path';
import type { Backend } from '@espalier/backend';
import type { EspalierError } from '@espalier/core';
import { goalView, type ModelFigures, type Report } from '@espalier/report';
import type { Sensitivity } from '@espalier/sensitivity';
import { finished } from '../pipeline/alone.js';
import { compressOnce } from '../pipeline/compress-once.js';
import { layout } from '../pipeline/files.js';
import type { Listener } from '../pipeline/listener.js';
import { runRecipe } from '../pipeline/run-recipe.js';
import { openSensitivity } from '../pipeline/sensitivity-of.js';
import type { LoadedRecipe } from '../recipe/load.js';
import { recipeOf } from './recipe-of.js';
import type { OutcomeOf, RecipeOutcome, RecipeTask, SensitivityTask, Task } from './task.js';

/** What a trial is run with. */
export interface Performing {
  /** The folder that takes what it leaves. */
  readonly out: string;
  readonly backend: Backend;
  readonly listener: Listener;
  readonly signal?: AbortSignal;
  /** Reads a recipe, or knows it already. */
  readonly read?: (file: string, set: readonly string[]) => Promise<LoadedRecipe>;
}

/** A trial that went wrong by itself, on its values: others may go well. */
export interface Failed {
  readonly failed: string;
}

/**
 * Runs a trial, in this process. One whose folder holds a part of it goes on with that.
 *
 * @returns what it came to, or why it failed by itself
 * @throws EspalierError what is no fault of the trial's own values: of data, of the disk, `aborted`
 */
export async function perform<T extends Task>(task: T, how: Performing): Promise<OutcomeOf<T> | Failed> {
  return (await performed(task, how)) as OutcomeOf<T> | Failed;
}

function performed(task: Task, how: Performing): Promise<OutcomeOf<Task> | Failed> {
  const { out, backend, listener } = how;
  if (task.kind === 'recipe') return performRecipe(task, how);
  if (task.kind === 'sensitivity') return performSensitivity(task, listener);
  const start = async (): Promise<Backend> => backend;
  return compressOnce(task, join(out, layout.model), { start, log: listener.info, warn: listener.warn });
}

async function performSensitivity(task: SensitivityTask, listener: Listener): Promise<Sensitivity> {
  const opened = await openSensitivity(task);
  try {
    return await opened.measure((name, { sparsity, accuracy, value }) =>
      listener.info(`${name} at ${sparsity}: ${value ?? accuracy}`),
    );
  } finally {
    opened.close();
  }
}

async function performRecipe(task: RecipeTask, how: Performing): Promise<RecipeOutcome | Failed> {
  const { out, backend, listener, signal, read } = how;
  try {
    const made = await recipeOf(task, read);
    const done = await finished(out, made.recipe, task.measure);
    const report =
      done ??
      (await runRecipe(made, {
        out,
        backend,
        resume: true,
        measure: task.measure,
        ...task.watched,
        ...(task.command !== undefined && { command: task.command }),
        listener,
        ...(signal && { signal }),
      }));
    return outcomeOf(report);
  } catch (error) {
    const { code, message } = error as EspalierError;
    // A trial may go wrong on its own (weights that are not finite); what stops all of them is another matter.
    if (code !== 'not-finite' && code !== 'invalid-option') throw error;
    return { failed: message.split('\n')[0] };
  }
}

/** What trials are compared by, out of a report. */
function outcomeOf({ goal, measures, compressed, dense, ratio }: Report): RecipeOutcome {
  const goalOf = goal && goalView(goal, measures).ofModel;
  const of = (model: ModelFigures): { error?: number; value?: number } => {
    const value = goalOf?.(model);
    return { ...(model.error != null && { error: model.error }), ...(value != null && { value }) };
  };
  return {
    ...of(compressed),
    bytes: compressed.bytes,
    ratio,
    dense: of(dense),
    ...(goal && { goal, ...(measures && { measures }) }),
  };
}
