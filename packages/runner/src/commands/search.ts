import { join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { formatBytes, formatPercent, formatTable, goalView } from '@espalier/report';
import { defineCommand } from 'citty';
import { boundOf, ranked, type Trial } from '../pipeline/search/rank.js';
import { rankingOf, searchRecipe } from '../pipeline/search/search.js';
import { trialOf } from '../pipeline/trial.js';
import { loadRecipe } from '../recipe/load.js';
import { showProgress } from '../terminal/progress.js';
import { print } from '../terminal/stream.js';
import { backendArgument, checkArguments, jsonArgument, printJson, repeated, startNamed } from './common.js';
import { crewArguments, crewOf, threadsOf } from './crew-options.js';
import { stoppable } from './stopping.js';

const args = {
  recipe: { type: 'positional', required: true, description: "A recipe with a 'search' section" },
  trials: { type: 'string', required: true, description: 'How many to try', valueHint: 'number' },
  out: {
    type: 'string',
    description: 'Folder for the results (default runs/<name>-search)',
    valueHint: 'folder',
  },
  resume: { type: 'boolean', default: false, description: 'Go on with the search that --out holds' },
  from: {
    type: 'string',
    description: 'A search whose trials this one begins with, of the strategy tpe (repeatable)',
    valueHint: 'folder',
  },
  ...crewArguments,
  ...backendArgument,
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier search examples/soft-weight-sharing/recipe-search.yaml --trials 9';

export default defineCommand({
  meta: {
    name: 'search',
    description:
      'Try values for parts of a recipe; writes a table, a plot of error against bytes, the best recipe.',
  },
  args,
  async run({ args: given, rawArgs }) {
    checkArguments(given, args);
    const trials = Number(given.trials);
    if (!Number.isInteger(trials) || trials < 1) {
      throw new EspalierError('invalid-option', `--trials is ${given.trials}.`, {
        remedy: 'Give a whole number >= 1.',
      });
    }
    const loaded = await loadRecipe(given.recipe);
    const out = given.out ?? join('runs', `${loaded.recipe.name}-search`);
    const listener = showProgress(given.json ? process.stderr : process.stdout);
    const found = await stoppable(
      async (signal) => {
        const backend = await startNamed(given.backend, (line) => listener.info(line), {
          trial: trialOf(loaded),
          threads: threadsOf(given),
        });
        const crew = await crewOf(given, { backend, listener, signal, loaded, name: loaded.recipe.name });
        const from = repeated(rawArgs, 'from');
        const { resume } = given;
        try {
          return await searchRecipe(loaded, { out, trials, resume, backend, listener, signal, crew, from });
        } finally {
          await crew.close();
        }
      },
      { goOn: 'Go on with the same command and --resume.' },
    );
    if (given.json) return printJson(found);
    const { goal, measures, trials: done } = found;
    const { search } = loaded.recipe;
    const paths = Object.keys(search?.paths ?? {});
    const format = goal ? goalView(goal, measures).format : formatPercent;
    const value = ({ value, error }: Trial): number => (goal ? (value ?? Number.NaN) : error);
    const bound = search && boundOf(search, goal);
    const rows = ranked(done, bound, rankingOf(found)).map((trial) => [
      `${trial.trial}${search?.front && found.front.includes(trial.trial) ? ' (front)' : ''}`,
      String(trial.rung),
      ...paths.map((path) => JSON.stringify(trial.values[path]) ?? '–'),
      trial.failed ?? format(value(trial)),
      trial.failed === undefined ? formatBytes(trial.bytes) : '',
    ]);
    const head = [
      'trial',
      'round',
      ...paths.map((path) => path.split('.').slice(-2).join('.')),
      goal?.metric ?? 'error',
      'bytes',
    ];
    print(`\n${formatTable([head, ...rows])}\n\nBest: trial ${found.best.trial}\n${found.recipe}\n`);
  },
});
