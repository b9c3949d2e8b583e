import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { Backend } from '@espalier/backend';
import { EspalierError } from '@espalier/core';
import { goalView, renderSearch } from '@espalier/report';
import { type LoadedRecipe, resolveRecipe } from '../../recipe/load.js';
import { moved } from '../../recipe/moved.js';
import { recipeText } from '../../recipe/text.js';
import { type Crew, inThisProcess } from '../../trials/crew.js';
import { withValues } from '../../trials/recipe-of.js';
import type { RecipeTask } from '../../trials/task.js';
import { alone, finished } from '../alone.js';
import { layout, writeWhole } from '../files.js';
import { type Listener, silent } from '../listener.js';
import { runRecipe } from '../run-recipe.js';
import { type Aims, frontOf } from './front.js';
import { commonStages } from './prefix.js';
import { boundOf, type Ranking, ranked, type Trial } from './rank.js';
import { checkSpace, valuesOf } from './space.js';
import { type Compared, type SearchState, stateOf, writeState } from './state.js';
import { type Asked, type Strategy, strategyOf } from './strategy.js';

/** Where and how a search runs. */
export interface SearchOptions {
  readonly out: string;
  /** How many trials in the first round. */
  readonly trials: number;
  readonly resume?: boolean;
  readonly backend: Backend;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
  /** Who runs the trials. Default: this process, one after another. */
  readonly crew?: Crew;
  /** Folders of searches whose trials this one begins with; of the strategy `tpe`. */
  readonly from?: readonly string[];
}

/** What a search has found. */
export interface Found extends Compared {
  /** All trials in the order they came. */
  readonly trials: readonly Trial[];
  readonly best: Trial;
  /** Numbers of the trials that no other is better than in both error, or goal, and bytes. */
  readonly front: readonly number[];
  /** The file that holds the recipe with the best trial's values. */
  readonly recipe: string;
}

/** The stages that all trials share, run once; what follows them starts from their model. */
async function runCommon(loaded: LoadedRecipe, options: SearchOptions): Promise<RecipeTask['common']> {
  const { recipe, source } = loaded;
  const count = commonStages(recipe, Object.keys(recipe.search!.paths));
  if (count === 0) return undefined;
  const out = resolve(options.out, 'common');
  const { search: _, plugins: __, ...head } = recipe;
  const common = { ...head, stages: recipe.stages.slice(0, count), baseline: recipe.stages[count - 1].name };
  if ((await finished(out, common, 'validation')) === undefined) {
    await runRecipe({ recipe: common, source }, { ...options, out, resume: true, measure: 'validation' });
  }
  return { stages: count, model: join(out, layout.plain, 'model.json') };
}

/** By what the trials of a search are ranked: nothing where it is their error. */
export function rankingOf({ goal, measures }: Compared): Ranking | undefined {
  return goal && { better: goal.better, share: goalView(goal, measures).unit === 'share' };
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
  const { out, trials, resume = false, listener = silent, backend, signal, from = [] } = options;
  const { search, seed = 0 } = recipe;
  if (search === undefined) {
    throw new EspalierError('bad-recipe', `${source.file} has no 'search' section.`, {
      remedy: "Add search: { paths: { 'stages.prune.epochs': { choices: [5, 10] } } }.",
    });
  }
  checkSpace(search);
  if (from.length > 0 && search.strategy !== 'tpe') {
    throw new EspalierError(
      'invalid-option',
      `${search.strategy ?? 'quasi-random'} does not look at earlier trials.`,
      {
        remedy: 'Leave --from out, or write strategy: tpe.',
      },
    );
  }
  resolveRecipe(withValues(recipe, valuesOf(search, 0, seed)), source);
  const fingerprint = createHash('sha256').update(recipeText(recipe)).digest('hex');
  let state = await stateOf(out, fingerprint, { resume, from });
  const common = await runCommon(loaded, options);
  const crew =
    options.crew ?? inThisProcess({ backend, listener, ...(signal && { signal }), read: async () => loaded });
  const rank = (some: readonly Trial[]): Trial[] =>
    ranked(some, boundOf(search, state.goal), rankingOf(state));
  const strategy = strategyOf({
    search,
    trials,
    seed,
    rank,
    aims: (trial) => aimsOf(trial, state),
    earlier: state.earlier ?? [],
  });
  const record = async (): Promise<Pick<Found, 'best' | 'front'>> => {
    const last = Math.max(...state.trials.map(({ rung }) => rung));
    const ended = state.trials.filter(({ rung }) => rung === last);
    const [best] = rank(ended);
    const there = moved(withValues(recipe, best.values), dirname(source.file), out);
    await writeWhole(join(out, 'best.yaml'), recipeText(there));
    await writeWhole(join(out, 'search.html'), renderSearch(pageOf(recipe.name, state, strategy, best)));
    await writeState(out, state);
    const going = ended.filter(({ failed }) => failed === undefined);
    const front = frontOf(going.map((trial) => aimsOf(trial, state))).map((i) => going[i].trial);
    return { best, front: front.sort((a, b) => a - b) };
  };
  const run = async ({ trial, rung, values, known }: Asked): Promise<void> => {
    const began = performance.now();
    const outcome = await crew.run({
      name: `Trial ${trial}: ${JSON.stringify(values)}`,
      out: join(out, 'trials', `${trial}-${rung}`),
      task: {
        kind: 'recipe',
        file: source.file,
        set: [],
        values,
        share: strategy.rungs[rung].share,
        ...(common && { common }),
        measure: 'validation',
      },
    });
    const seconds = (performance.now() - began) / 1000;
    const at = { trial, rung, values, known };
    state.pending.splice(
      state.pending.findIndex((one) => one.trial === trial && one.rung === rung),
      1,
    );
    if ('failed' in outcome) {
      state.trials.push({ ...at, error: 1, bytes: 0, seconds: 0, failed: outcome.failed });
      return;
    }
    const { error = 1, value, bytes, goal, measures } = outcome;
    state = { ...state, ...(goal && { goal }), ...(measures && { measures }) };
    state.trials.push({ ...at, error, ...(value !== undefined && { value }), bytes, seconds });
  };

  // Those that were on their way when the search was stopped come first.
  const waiting = [...state.pending];
  const going = new Set<Promise<void>>();
  const oneMore = async (): Promise<void> => {
    await Promise.race(going);
    await record();
  };
  for (;;) {
    const room = Math.max(1, strategy.learns ? crew.width : (crew.depth ?? crew.width));
    const next =
      going.size >= room
        ? 'wait'
        : (waiting.shift() ?? strategy.next({ done: state.trials, pending: state.pending }));
    if (next === 'end') break;
    if (next === 'wait') {
      await oneMore();
      continue;
    }
    if (!state.pending.includes(next)) state.pending.push(next);
    await writeState(out, state);
    const trial: Promise<void> = run(next).finally(() => going.delete(trial));
    trial.catch(() => {}); // Whoever waits for one of them is told.
    going.add(trial);
  }
  while (going.size > 0) await oneMore();
  const { fingerprint: _, pending: __, earlier: ___, ...found } = state;
  return { ...found, ...(await record()), recipe: join(out, 'best.yaml') };
}

/** What is less is better, in both: of a goal that is to be high, what it lacks; of sizes the logarithm. */
function aimsOf({ error, value, bytes }: Trial, { goal }: Compared): Aims {
  const cost =
    goal === undefined ? error : goal.better === 'higher' ? -(value ?? -Infinity) : (value ?? Infinity);
  return [cost, Math.log(Math.max(1, bytes))];
}

function pageOf(
  name: string,
  { trials, goal, measures }: SearchState,
  { rungs }: Strategy,
  best: Trial,
): Parameters<typeof renderSearch>[0] {
  const rows = trials.map((trial) => ({
    ...trial,
    error: goal ? (trial.value ?? Number.NaN) : trial.error,
    best: trial === best,
    partial: rungs[trial.rung].share < 1,
  }));
  return { name, trials: rows, ...(goal && { goal }), ...(measures && { measures }) };
}
