import { join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { formatBytes, formatPercent, formatTable, goalView } from '@espalier/report';
import { checkOut, writeWhole } from '../pipeline/files.js';
import { trialOf } from '../pipeline/trial.js';
import type { LoadedRecipe } from '../recipe/load.js';
import { showProgress } from '../terminal/progress.js';
import { print } from '../terminal/stream.js';
import { runSeeds, type Seeded } from '../trials/several.js';
import { shownSpan, spanOf } from '../trials/span.js';
import type { RecipeOutcome } from '../trials/task.js';
import { measuredPart, printJson, startNamed } from './common.js';
import { whole } from './compress-options.js';
import { crewOf, threadsOf } from './crew-options.js';
import { stoppable } from './stopping.js';

type Given = Parameters<typeof crewOf>[0] & {
  readonly recipe: string;
  readonly seeds?: string | undefined;
  readonly resume: boolean;
  readonly measure: string;
  readonly watch: boolean;
  readonly tensorboard: boolean;
  readonly backend: string;
  readonly json: boolean;
};

/** What is told of several seeds: each, then the median and the range of all that did not fail. */
function tableOf(rows: readonly Seeded[]): string {
  const done = rows.flatMap(({ outcome }) => outcome ?? []);
  const goal = done[0]?.goal && goalView(done[0].goal, done[0].measures);
  const format = goal?.format ?? formatPercent;
  const value = ({ value, error }: Pick<RecipeOutcome, 'value' | 'error'>): number =>
    (goal ? value : error) ?? Number.NaN;
  const table = formatTable([
    ['seed', `dense ${goal?.metric ?? 'error'}`, goal?.metric ?? 'error', 'bytes', 'ratio'],
    ...rows.map(({ seed, outcome, failed }) =>
      outcome === undefined
        ? [String(seed), failed ?? '', '', '', '']
        : [
            String(seed),
            format(value(outcome.dense)),
            format(value(outcome)),
            formatBytes(outcome.bytes),
            outcome.ratio.toFixed(1),
          ],
    ),
  ]);
  if (done.length === 0) return table;
  const of = (name: string, values: readonly number[], shown: (value: number) => string): string =>
    `${name}: median ${shownSpan(spanOf(values), shown)}`;
  return [
    table,
    '',
    of(
      `dense ${goal?.metric ?? 'error'}`,
      done.map(({ dense }) => value(dense)),
      format,
    ),
    of(goal?.metric ?? 'error', done.map(value), format),
    of(
      'bytes',
      done.map(({ bytes }) => bytes),
      formatBytes,
    ),
    of(
      'ratio',
      done.map(({ ratio }) => ratio),
      (ratio) => ratio.toFixed(1),
    ),
  ].join('\n');
}

/** `espalier run --seeds n`: each seed a trial. */
export async function severalSeeds(
  given: Given,
  loaded: LoadedRecipe,
  set: readonly string[],
  out: string,
): Promise<void> {
  const count = whole('seeds', given.seeds ?? '', 1, 10_000);
  const { seed: first = 0 } = loaded.recipe;
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const listener = showProgress(given.json ? process.stderr : process.stdout);
  for (const seed of seeds) await checkOut(join(out, `seed-${seed}`), given.resume);
  const rows = await stoppable(
    async (signal) => {
      const backend = await startNamed(given.backend, (line) => listener.info(line), {
        trial: trialOf(loaded),
        threads: threadsOf(given),
      });
      const crew = await crewOf(given, { backend, listener, signal, name: loaded.recipe.name });
      const { watch, tensorboard } = given;
      const task = {
        file: given.recipe,
        set,
        measure: measuredPart(given.measure),
        watched: { watch, tensorboard },
      };
      return runSeeds(task, seeds, { crew, out }).finally(() => crew.close());
    },
    {
      onStop: () => listener.warn('Stopping; once more to stop at once.'),
      goOn: 'Go on with the same command and --resume.',
    },
  );
  await writeWhole(join(out, 'seeds.json'), `${JSON.stringify(rows, null, 2)}\n`);
  if (given.json) printJson(rows);
  else print(`\n${tableOf(rows)}\n\n${join(out, 'seeds.json')}\n`);
  if (rows.some(({ failed }) => failed !== undefined)) {
    throw new EspalierError('failed', `Of ${count} seeds ${rows.filter((row) => row.failed).length} failed.`);
  }
}
