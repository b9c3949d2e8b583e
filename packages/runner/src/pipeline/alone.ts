import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { LockError, readRegular, withLock } from '@espalier/host';
import type { Report } from '@espalier/report';
import type { Recipe } from '../recipe/schema.js';
import { recipeText } from '../recipe/text.js';
import { layout } from './files.js';
import type { MeasuredPart } from './measures.js';
import { readReport } from './report.js';

/**
 * Works in a folder that nobody else writes to meanwhile. A lock that a dead process has left there is taken over.
 *
 * @throws EspalierError `out-taken` when another run is at work in it, `disk` when it cannot be used
 */
export async function alone<T>(out: string, work: () => Promise<T>): Promise<T> {
  try {
    await mkdir(out, { recursive: true });
  } catch (cause) {
    const code = String((cause as NodeJS.ErrnoException).code);
    throw new EspalierError('disk', `Cannot use ${out} as output folder: ${code}.`, {
      cause,
      remedy: 'Choose another --out.',
    });
  }
  try {
    return await withLock(join(out, layout.lock), work, { timeout: 0 });
  } catch (cause) {
    if (!(cause instanceof LockError)) throw cause;
    const who = cause.holder === undefined ? '' : ` (process ${cause.holder.pid} on ${cause.holder.host})`;
    throw new EspalierError('out-taken', `Another run is at work in ${out}${who}; nothing was overwritten.`, {
      cause,
      remedy: `Wait for it, or choose another --out. If there is none, delete ${join(out, layout.lock)}.`,
    });
  } finally {
    await rmdir(out).catch(() => undefined); // Where nothing came of it.
  }
}

/**
 * Makes sure that a folder, if it holds a run, holds one of this recipe.
 *
 * @throws EspalierError `bad-state`
 */
export async function checkSame(out: string, recipe: Recipe): Promise<void> {
  const kept = await readRegular(join(out, layout.recipe)).catch(() => undefined);
  if (kept !== undefined && kept.toString() !== recipeText(recipe)) throw otherRun(out);
}

export function otherRun(out: string): EspalierError {
  return new EspalierError(
    'bad-state',
    `${out} holds a run of another recipe, of another seed or of other data.`,
    {
      remedy: 'Resume with the recipe, options and data it was started with, or choose another --out.',
    },
  );
}

/**
 * The report of a run that is done, if `out` holds one, measured on this part of the data: a run whose test set is unread as yet
 * goes on to it.
 *
 * @throws EspalierError `bad-state` when it is of another recipe
 */
export async function finished(
  out: string,
  recipe: Recipe,
  measure: MeasuredPart = 'test',
): Promise<Report | undefined> {
  const report = await readReport(out);
  if (report === undefined) return undefined;
  await checkSame(out, recipe);
  return (report.measuredOn ?? 'test') === measure ? report : undefined;
}
