import { join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { formatPercent, formatTable, goalView, renderSensitivity, sensitivityCsv } from '@espalier/report';
import { type Sensitivity, type SensitivityKind, suggestion } from '@espalier/sensitivity';
import { defineCommand } from 'citty';
import { stringify } from 'yaml';
import { dataHelp } from '../inputs/data-argument.js';
import { writeWhole } from '../pipeline/files.js';
import { openSensitivity, type SensitivityUse } from '../pipeline/sensitivity-of.js';
import { showProgress } from '../terminal/progress.js';
import { print, tell } from '../terminal/stream.js';
import { sensitivityOfEach } from '../trials/several.js';
import {
  backendArgument,
  checkArguments,
  jsonArgument,
  modelArgument,
  printJson,
  startNamed,
} from './common.js';
import { crewArguments, crewOf, sideBySide, threadsOf } from './crew-options.js';
import { stoppable } from './stopping.js';

const args = {
  ...modelArgument,
  data: {
    type: 'string',
    required: true,
    description: dataHelp,
    valueHint: 'data',
  },
  kind: {
    type: 'string',
    default: 'element',
    description: 'What is pruned: element, filter, channel',
    valueHint: 'name',
  },
  levels: {
    type: 'string',
    default: '0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,0.95',
    description: 'Sparsities to measure at',
    valueHint: 'list',
  },
  parameters: { type: 'string', description: 'Which tensors (default: every kernel)', valueHint: 'globs' },
  validation: {
    type: 'string',
    description: 'Held-out training examples to measure on: a share or a count (default 0.1)',
    valueHint: 'number',
  },
  seed: {
    type: 'string',
    description: "Which examples: give the seed the model was trained with (default 0, or the recipe's)",
    valueHint: 'number',
  },
  scale: {
    type: 'string',
    description: 'How bytes become numbers: unit (default), symmetric, none',
    valueHint: 'name',
  },
  dir: { type: 'string', description: 'Where your own data files are', valueHint: 'folder' },
  out: {
    type: 'string',
    default: join('runs', 'sensitivity'),
    description: 'Folder for sensitivity.csv, .json and .html',
    valueHint: 'folder',
  },
  suggest: { type: 'boolean', default: false, description: 'Print a schedule to start a recipe from' },
  'max-drop': {
    type: 'string',
    default: '0.01',
    description: 'With --suggest: how much accuracy, or of the goal, each tensor may cost by itself',
    valueHint: 'number',
  },
  ...crewArguments,
  ...backendArgument,
  ...jsonArgument,
} as const;

function numberOf(name: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new EspalierError('invalid-option', `--${name} is '${text}'.`, { remedy: 'Give a number.' });
}

/** Shown by --help. */
export const example = 'espalier sensitivity runs/demo/tfjs --data mnist --kind filter --suggest';

export default defineCommand({
  meta: {
    name: 'sensitivity',
    description: "Accuracy, or a recipe's goal, against sparsity, tensor by tensor, on held-out data.",
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const levels = given.levels.split(',').map((text) => numberOf('levels', text));
    const maxDrop = numberOf('max-drop', given['max-drop']);
    const use: SensitivityUse = {
      model: given.model,
      data: given.data,
      more: {
        ...(given.validation !== undefined && { validation: numberOf('validation', given.validation) }),
        ...(given.dir !== undefined && { dir: given.dir }),
        ...(given.scale !== undefined && { scale: given.scale }),
      },
      ...(given.seed !== undefined && { seed: numberOf('seed', given.seed) }),
      pruned: given.kind as SensitivityKind,
      levels,
      ...(given.parameters !== undefined && { parameters: given.parameters.split(',') }),
    };
    const backend = await startNamed(given.backend, () => {}, { threads: threadsOf(given) });
    const opened = await openSensitivity(use);
    const { name, measures } = opened;
    const goal = goalView(measures.goal, measures.shown);
    const value = (score: { accuracy: number; value?: number }): number => score.value ?? score.accuracy;
    const inProcess = (): Promise<Sensitivity> =>
      opened.measure((name, point) =>
        tell(`${name} ${formatPercent(point.sparsity)}: ${goal.format(value(point))}\n`),
      );
    const inTrials = async (signal: AbortSignal): Promise<Sensitivity> => {
      const crew = await crewOf(given, {
        backend,
        listener: showProgress(process.stderr),
        signal,
        name: 'sensitivity',
      });
      const how = { crew, out: given.out };
      return sensitivityOfEach(use, opened.targets(), how).finally(() => crew.close());
    };
    const measured = await (sideBySide(given)
      ? stoppable(inTrials, { goOn: 'Nothing is kept of it.' })
      : inProcess()
    ).finally(() => opened.close());
    const files = {
      'sensitivity.csv': sensitivityCsv(measured),
      'sensitivity.json': `${JSON.stringify(measured, null, 2)}\n`,
      'sensitivity.html': renderSensitivity({ name, measures: measures.shown, ...measured }),
    };
    for (const [name, content] of Object.entries(files)) await writeWhole(join(given.out, name), content);
    const schedule = given.suggest ? suggestion(measured, maxDrop) : undefined;
    if (given.json) return printJson({ ...measured, ...(schedule && { suggestion: schedule }) });
    const { baseline, curves, refused } = measured;
    const head = [given.kind, ...curves[0].points.map(({ sparsity }) => formatPercent(sparsity))];
    const rows = curves.map(({ name, points }) => [name, ...points.map((p) => goal.format(value(p)))]);
    print(
      `${goal.title} ${goal.format(value(baseline))} on ${baseline.size} held-out examples; with one tensor pruned to:\n\n${formatTable([head, ...rows])}\n`,
    );
    for (const { name, reason } of refused) print(`not ${name}: ${reason}\n`);
    print(
      `\n${Object.keys(files)
        .map((name) => join(given.out, name))
        .join('\n')}\n`,
    );
    if (schedule !== undefined) print(`\n${stringify({ schedules: [schedule] })}`);
  },
});
