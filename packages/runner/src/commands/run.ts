import { join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { summarize } from '@espalier/report';
import { defineCommand } from 'citty';
import { alreadyDone } from '../pipeline/already-done.js';
import { beginningOf } from '../pipeline/checkpoint.js';
import { checkOut, layout } from '../pipeline/files.js';
import { runRecipe } from '../pipeline/run-recipe.js';
import { trialOf } from '../pipeline/trial.js';
import { loadRecipe } from '../recipe/load.js';
import { showProgress } from '../terminal/progress.js';
import { print } from '../terminal/stream.js';
import {
  backendArgument,
  checkArguments,
  jsonArgument,
  measuredPart,
  printJson,
  repeated,
  startNamed,
} from './common.js';
import { bytes } from './compress-options.js';
import { crewArguments, sideBySide, threadsOf } from './crew-options.js';
import { severalSeeds } from './run-seeds.js';
import { stoppable } from './stopping.js';

const args = {
  recipe: { type: 'positional', required: true, description: 'A recipe: .yaml, .ts or .js' },
  out: { type: 'string', description: 'Folder for the results (default runs/<name>)', valueHint: 'folder' },
  resume: { type: 'boolean', default: false, description: 'Go on with the run that --out holds' },
  set: {
    type: 'string',
    description: 'Change the recipe: --set stages.1.epochs=5 (repeatable)',
    valueHint: 'path=value',
  },
  size: {
    type: 'string',
    description: 'What the file shall take, 20kB: training is steered to it (ratePrior)',
    valueHint: 'bytes',
  },
  measure: {
    type: 'string',
    default: 'test',
    description:
      'validation: leave the test set unread, while settings are compared; --resume without it reads it',
    valueHint: 'part',
  },
  watch: {
    type: 'boolean',
    default: false,
    description: 'Also write what espalier studio shows of a run: histograms by epoch, memory, how far it is',
  },
  tensorboard: {
    type: 'boolean',
    default: false,
    description: 'Also write event files of TensorBoard into --out: tensorboard --logdir runs',
  },
  seed: { type: 'string', description: 'Change the seed', valueHint: 'number' },
  seeds: {
    type: 'string',
    description: "So many runs, with seeds from the recipe's on, in seed-<n> of --out; median and range",
    valueHint: 'n',
  },
  ...crewArguments,
  ...backendArgument,
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier run examples/lenet-300-100/recipe.yaml --out runs/demo';

export default defineCommand({
  meta: {
    name: 'run',
    description: 'Run a recipe: train, prune, quantise, pack, measure.',
  },
  args,
  async run({ args: given, rawArgs }) {
    checkArguments(given, args);
    const { recipe: file, resume, json } = given;
    const measure = measuredPart(given.measure);
    const seed = given.seed === undefined ? undefined : Number(given.seed);
    if (seed !== undefined && !Number.isInteger(seed)) {
      throw new EspalierError('invalid-option', `--seed is ${given.seed}.`, {
        remedy: 'Give a whole number.',
      });
    }
    const set = [
      ...repeated(rawArgs, 'set'),
      ...(given.size === undefined ? [] : [`encode.size=${bytes(given.size)}`]),
    ];
    const loaded = await loadRecipe(file, {
      set,
      ...(seed !== undefined && { seed }),
    });
    const out = given.out ?? join('runs', loaded.recipe.name);
    if (given.seeds !== undefined) return severalSeeds(given, loaded, set, out);
    if (sideBySide(given)) {
      throw new EspalierError(
        'invalid-option',
        'One run is one trial: there is nothing to do side by side.',
        {
          remedy: 'Give several: --seeds 5.',
        },
      );
    }
    const listener = showProgress(json ? process.stderr : process.stdout);
    const start = (): Promise<unknown> => startNamed(given.backend, () => {});
    const done = resume ? await alreadyDone(loaded, out, measure, start) : undefined;
    if (done !== undefined) {
      listener.info(`${out} is already done.`);
      return json ? printJson(done) : print(`\n${summarize(done)}\n`);
    }

    await stoppable(
      async (signal) => {
        // A run goes on where it began: elsewhere it would not end in the same bytes.
        const began = resume ? await beginningOf(out) : undefined;
        await checkOut(out, resume);
        const backend = await startNamed(
          (given.backend === 'auto' && began?.backend) || given.backend,
          (line) => listener.info(line),
          {
            trial: trialOf(loaded, (line) => listener.info(line)),
            threads: threadsOf(given) ?? began?.threads ?? 'measured',
          },
        );
        const command = [
          'npx',
          'espalier',
          'run',
          ...rawArgs.filter((argument) => argument !== '--resume'),
        ].join(' ');
        const report = await runRecipe(loaded, {
          out,
          resume,
          backend,
          listener,
          signal,
          measure,
          watch: given.watch,
          tensorboard: given.tensorboard,
          command,
        });
        if (json) return printJson(report);
        print(`\n${summarize(report)}\n\n${join(out, layout.model)}\n${join(out, layout.page)}\n`);
      },
      {
        onStop: () => listener.warn('Stopping after this step; once more to stop at once.'),
        goOn: `Go on with: espalier run ${file} --out ${out} --resume`,
      },
    );
  },
});
