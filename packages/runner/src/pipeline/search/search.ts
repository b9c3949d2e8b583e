import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Backend } from '@espalier/backend';
import { EspalierError } from '@espalier/core';
import { goalView, type Report, renderSearch } from '@espalier/report';
import { type LoadedRecipe, resolveRecipe } from '../../recipe/load.js';
import { moved } from '../../recipe/moved.js';
import { override } from '../../recipe/override.js';
import type { Recipe } from '../../recipe/schema.js';
import { recipeText } from '../../recipe/text.js';
import { alone, finished } from '../alone.js';
import { layout, writeWhole } from '../files.js';
import { type Listener, silent } from '../listener.js';
import { runRecipe } from '../run-recipe.js';
import { commonStages } from './prefix.js';
import { boundOf, type Ranking, ranked, type Trial } from './rank.js';
import { rungsOf, shortened } from './rungs.js';
import { checkSpace, type Values, valuesOf } from './space.js';

/** Where and how a search runs. */
export interface SearchOptions {
  readonly out: string;
  /** How many trials in the first round. */
  readonly trials: number;
  readonly resume?: boolean;
  readonly backend: Backend;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/** What a search has found. */
export interface Found {
  /** By what they are compared, where it is not their error. */
  readonly goal?: Report['goal'];
  readonly measures?: Report['measures'];
  /** All trials in the order they ran. */
  readonly trials: readonly Trial[];
  readonly best: Trial;
  /** The file that holds the recipe with the best trial's values. */
  readonly recipe: string;
}

/** The recipe with a trial's values put in, and without its search. */
function withValues(recipe: Recipe, values: Values): Recipe {
  const { search: _, ...rest } = recipe;
  const assignments = Object.entries(values).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
  return override(rest, assignments) as Recipe;
}

/** The stages that all trials share, run once; what follows them starts from their model. */
async function afterCommon(loaded: LoadedRecipe, options: SearchOptions): Promise<LoadedRecipe> {
  const { recipe, source } = loaded;
  const count = commonStages(recipe, Object.keys(recipe.search!.paths));
  if (count === 0) return loaded;
  const out = resolve(options.out, 'common');
  const { search: _, plugins: __, ...head } = recipe;
  const common = { ...head, stages: recipe.stages.slice(0, count), baseline: recipe.stages[count - 1].name };
  if ((await finished(out, common)) === undefined) {
    await runRecipe({ recipe: common, source }, { ...options, out, measure: 'validation' });
  }
  const { baseline, ...rest } = recipe;
  const stays = recipe.stages.slice(count).some(({ name }) => name === baseline);
  return {
    source,
    recipe: {
      ...rest,
      model: join(out, layout.plain, 'model.json'),
      stages: recipe.stages.slice(count),
      ...(stays && baseline !== undefined && { baseline }),
    },
  };
}

async function runTrial(
  { recipe, source }: LoadedRecipe,
  options: SearchOptions,
  place: { readonly trial: number; readonly rung: number; readonly share: number; readonly values: Values },
): Promise<Done> {
  const { trial, rung, share, values } = place;
  const out = join(options.out, 'trials', `${trial}-${rung}`);
  const began = performance.now();
  let report: Report | undefined;
  try {
    const made = resolveRecipe(withValues(recipe, values), source);
    const short = { ...made, recipe: shortened(made.recipe, share) };
    report = await finished(out, short.recipe);
    const { backend, listener, signal } = options;
    report ??= await runRecipe(short, {
      out,
      backend,
      resume: true,
      measure: 'validation',
      ...(listener && { listener }),
      ...(signal && { signal }),
    });
  } catch (error) {
    const { code, message } = error as EspalierError;
    // A trial may go wrong on its own (weights that are not finite); what stops the search is another matter.
    if (code !== 'not-finite' && code !== 'invalid-option') throw error;
    return { trial, rung, values, error: 1, bytes: 0, seconds: 0, failed: message.split('\n')[0] };
  }
  const { error, bytes } = report.compressed;
  const value = report.goal && goalView(report.goal, report.measures).ofModel(report.compressed);
  return {
    trial,
    rung,
    values,
    error: error ?? 1,
    ...(value != null && { value }),
    bytes,
    seconds: (performance.now() - began) / 1000,
    ...(report.goal && { goal: report.goal, ...(report.measures && { measures: report.measures }) }),
  };
}

/** By what trials are compared. */
interface Compared {
  readonly goal?: Report['goal'] | undefined;
  readonly measures?: Report['measures'] | undefined;
}

/** A trial, and what its report says models are compared by. */
type Done = Trial & Pick<Report, 'goal' | 'measures'>;

interface State extends Pick<Report, 'goal' | 'measures'> {
  readonly fingerprint: string;
  readonly trials: Trial[];
}

/** By what the trials of a search are ranked: nothing where it is their error. */
export function rankingOf({ goal, measures }: Compared): Ranking | undefined {
  return goal && { better: goal.better, share: goalView(goal, measures).unit === 'share' };
}

async function stateOf(out: string, fingerprint: string, resume: boolean): Promise<State> {
  let text: string;
  try {
    text = await readFile(join(out, 'search.json'), 'utf8');
  } catch {
    return { fingerprint, trials: [] };
  }
  const state = JSON.parse(text) as State;
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

/**
 * Runs trials of a recipe with values from its `search` section and writes, after each, `search.json`,
 * `search.html` (table and plot of error against bytes) and `best.yaml`. Trials are compared on the validation
 * split alone.
 *
 * @throws EspalierError `bad-recipe`, `out-taken`, `bad-state`, `aborted`, and whatever a run throws
 */
export async function searchRecipe(loaded: LoadedRecipe, options: SearchOptions): Promise<Found> {
  return alone(options.out, () => searchAlone(loaded, options));
}

async function searchAlone(loaded: LoadedRecipe, options: SearchOptions): Promise<Found> {
  const { recipe, source } = loaded;
  const { out, trials, resume = false, listener = silent } = options;
  const { search, seed = 0 } = recipe;
  if (search === undefined) {
    throw new EspalierError('bad-recipe', `${source.file} has no 'search' section.`, {
      remedy: "Add search: { paths: { 'stages.prune.epochs': { choices: [5, 10] } } }.",
    });
  }
  checkSpace(search);
  resolveRecipe(withValues(recipe, valuesOf(search, 0, seed)), source);
  const fingerprint = createHash('sha256').update(recipeText(recipe)).digest('hex');
  let state = await stateOf(out, fingerprint, resume);
  const rest = await afterCommon(loaded, options);
  const rungs = rungsOf(search.strategy, trials);
  const rank = (trials: readonly Trial[]): Trial[] =>
    ranked(trials, boundOf(search, state.goal), rankingOf(state));
  let chosen = Array.from({ length: rungs[0].trials }, (_, trial) => trial);
  const record = async (): Promise<Trial> => {
    const last = Math.max(...state.trials.map(({ rung }) => rung));
    const [best] = rank(state.trials.filter(({ rung }) => rung === last));
    const there = moved(withValues(recipe, best.values), dirname(source.file), out);
    await writeWhole(join(out, 'best.yaml'), recipeText(there));
    const { goal, measures } = state;
    const rows = state.trials.map((t) => ({
      ...t,
      error: goal ? (t.value ?? Number.NaN) : t.error,
      best: t === best,
      partial: rungs[t.rung].share < 1,
    }));
    const page = { name: recipe.name, trials: rows, ...(goal && { goal }), ...(measures && { measures }) };
    await writeWhole(join(out, 'search.html'), renderSearch(page));
    await writeWhole(join(out, 'search.json'), `${JSON.stringify(state, null, 2)}\n`);
    return best;
  };
  for (const [rung, { share }] of rungs.entries()) {
    for (const trial of chosen) {
      if (state.trials.some((done) => done.trial === trial && done.rung === rung)) continue;
      const values = valuesOf(search, trial, seed);
      listener.info(`Trial ${trial}: ${JSON.stringify(values)}`);
      const { goal, measures, ...done } = await runTrial(rest, options, { trial, rung, share, values });
      state = { ...state, ...(goal && { goal }), ...(measures && { measures }) };
      state.trials.push(done);
      await record();
    }
    const done = state.trials.filter((t) => t.rung === rung);
    chosen = rank(done)
      .slice(0, rungs[rung + 1]?.trials ?? 0)
      .map(({ trial }) => trial);
  }
  const { fingerprint: _, ...found } = state;
  return { ...found, best: await record(), recipe: join(out, 'best.yaml') };
}
