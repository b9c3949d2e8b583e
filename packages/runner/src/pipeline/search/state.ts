import { join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { readRegular } from '@espalier/host';
import type { Report } from '@espalier/report';
import { writeWhole } from '../files.js';
import type { Trial } from './rank.js';
import type { Asked } from './strategy.js';

/** By what trials are compared; nothing where it is their error. */
export type Compared = Pick<Report, 'goal' | 'measures'>;

/** What `search.json` keeps: with the recipe it decides all that is to come. */
export interface SearchState extends Compared {
  /** Of the recipe. */
  readonly fingerprint: string;
  /** Results in the order in which they came. */
  readonly trials: Trial[];
  /** Asked for and not done. */
  readonly pending: Asked[];
  /** Trials of the searches it was started from. */
  readonly earlier?: readonly Trial[];
}

const file = (folder: string): string => join(folder, 'search.json');

async function read(folder: string): Promise<SearchState | undefined> {
  try {
    const text = (await readRegular(file(folder))).toString();
    const state = JSON.parse(text) as Partial<SearchState> | null;
    const { fingerprint, trials, pending = [] } = state ?? {};
    const lists = [trials, pending, state?.earlier ?? []];
    const whole = lists.every(
      (list) => Array.isArray(list) && list.every((one) => typeof one?.values === 'object'),
    );
    if (typeof fingerprint !== 'string' || !whole) throw new Error('it is not what was written');
    return { ...state, fingerprint, trials: trials ?? [], pending };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EspalierError('bad-state', `${file(folder)} is of no use: ${(cause as Error).message}.`, {
      cause,
      remedy: 'Choose another --out; nothing was overwritten.',
    });
  }
}

/**
 * Where a search stands: at its beginning, or where the one that the folder holds was left.
 *
 * @param from - Folders of earlier searches, whose trials a new one begins with.
 * @throws EspalierError `out-taken`, `bad-state`, `not-found`
 */
export async function stateOf(
  out: string,
  fingerprint: string,
  { resume, from }: { readonly resume: boolean; readonly from: readonly string[] },
): Promise<SearchState> {
  const state = await read(out);
  if (state === undefined) {
    const earlier = (await Promise.all(from.map(earlierOf))).flat();
    return { fingerprint, trials: [], pending: [], ...(earlier.length > 0 && { earlier }) };
  }
  if (!resume) {
    throw new EspalierError('out-taken', `${out} holds another search; nothing was overwritten.`, {
      remedy: 'Go on with it: --resume. Or choose another --out.',
    });
  }
  if (state.fingerprint === fingerprint) return state;
  throw new EspalierError('bad-state', `${out} holds a search of another recipe.`, {
    remedy: 'Resume with the recipe it was started with, or choose another --out.',
  });
}

/** What earlier searches found, where trials were trained to the end. */
async function earlierOf(folder: string): Promise<Trial[]> {
  const state = await read(folder);
  if (state === undefined) {
    throw new EspalierError('not-found', `There is no search in ${folder}.`, {
      remedy: 'Give the folder of one: --from runs/<name>-search.',
    });
  }
  const last = Math.max(0, ...state.trials.map(({ rung }) => rung));
  return [...(state.earlier ?? []), ...state.trials.filter(({ rung }) => rung === last)];
}

export async function writeState(out: string, state: SearchState): Promise<void> {
  await writeWhole(file(out), `${JSON.stringify(state, null, 2)}\n`);
}
