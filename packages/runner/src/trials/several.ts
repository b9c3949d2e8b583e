import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { EspalierError } from '@espalier/core';
import type { Sensitivity } from '@espalier/sensitivity';
import type { CompressOutcome, CompressUse } from '../pipeline/compress-once.js';
import { layout } from '../pipeline/files.js';
import type { SensitivityUse } from '../pipeline/sensitivity-of.js';
import { type Crew, runAll, type Trial } from './crew.js';
import type { Failed } from './perform.js';
import type { CompressTask, RecipeOutcome, RecipeTask, SensitivityTask } from './task.js';

/** What a trial came to that may not fail. */
function whole<T>(outcome: T | Failed, name: string): T {
  if (typeof outcome === 'object' && outcome !== null && 'failed' in outcome) {
    throw new EspalierError('failed', `${name}: ${outcome.failed}`);
  }
  return outcome as T;
}

/** One of several seeds. */
export interface Seeded {
  readonly seed: number;
  readonly out: string;
  /** Absent where it failed. */
  readonly outcome?: RecipeOutcome;
  readonly failed?: string;
}

/**
 * Runs a recipe with several seeds, each a trial, in `seed-<n>` below `out`.
 *
 * @throws EspalierError as `Crew.run`
 */
export async function runSeeds(
  task: Pick<RecipeTask, 'file' | 'set' | 'command' | 'watched' | 'measure'>,
  seeds: readonly number[],
  { crew, out }: { readonly crew: Crew; readonly out: string },
): Promise<Seeded[]> {
  const trials = seeds.map((seed): Trial<RecipeTask> => {
    const set = [...task.set, `seed=${seed}`];
    const one = { ...task, kind: 'recipe' as const, set };
    return { name: `Seed ${seed}`, out: join(out, `seed-${seed}`), task: one };
  });
  const outcomes = await runAll(crew, trials);
  return outcomes.map((outcome, i) => {
    const at = { seed: seeds[i], out: trials[i].out };
    return 'failed' in outcome ? { ...at, failed: outcome.failed } : { ...at, outcome };
  });
}

/**
 * Measures how a model bears pruning, each tensor, or group of them, a trial; the curves are as those of one process.
 *
 * @param targets - Names of curves, as `openSensitivity` gives them.
 * @throws EspalierError as it and `Crew.run`
 */
export async function sensitivityOfEach(
  use: SensitivityUse,
  targets: readonly string[],
  { crew, out }: { readonly crew: Crew; readonly out: string },
): Promise<Sensitivity> {
  const trials = targets.map((name, i): Trial<SensitivityTask> => {
    const task = { ...use, kind: 'sensitivity' as const, only: [name] };
    return { name, out: join(out, 'trials', String(i)), task };
  });
  const parts = (await runAll(crew, trials)).map((part, i) => whole<Sensitivity>(part, targets[i]));
  return { ...parts[0], curves: parts.flatMap(({ curves }) => curves) };
}

/**
 * Compresses a model to several qualities, each a trial.
 *
 * @throws EspalierError as `compressOnce` and `Crew.run`
 */
export async function compressToAims(
  use: Omit<CompressUse, 'aim'>,
  aims: readonly number[],
  { crew, out }: { readonly crew: Crew; out(aim: number): string },
): Promise<(CompressOutcome & { readonly aim: number })[]> {
  const trials = aims.map((quality): Trial<CompressTask> => {
    const { dir, name } = parse(out(quality));
    const task = { ...use, kind: 'compress' as const, aim: { quality } };
    return { name: `${quality} dB`, out: join(dir, `.${name}`), task };
  });
  const outcomes = await runAll(crew, trials);
  return Promise.all(
    outcomes.map(async (outcome, i) => {
      const done = whole<CompressOutcome>(outcome, trials[i].name);
      const file = out(aims[i]);
      await mkdir(dirname(file), { recursive: true });
      await copyFile(join(trials[i].out, layout.model), file);
      await rm(trials[i].out, { recursive: true });
      return { ...done, out: file, aim: aims[i] };
    }),
  );
}
