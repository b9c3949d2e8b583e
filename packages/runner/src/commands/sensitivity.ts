import { join } from 'node:path';
import { disposeModel, EspalierError, Run } from '@espalier/core';
import { batches, loadDataset } from '@espalier/datasets';
import { formatPercent, formatTable, renderSensitivity, sensitivityCsv } from '@espalier/report';
import { measureSensitivity, type SensitivityKind, suggestion } from '@espalier/sensitivity';
import { defineCommand } from 'citty';
import { stringify } from 'yaml';
import { writeWhole } from '../pipeline/files.js';
import { readLayersModel } from '../pipeline/model-files.js';
import { print, tell } from '../terminal/stream.js';
import {
  backendArgument,
  checkArguments,
  jsonArgument,
  modelArgument,
  printJson,
  startNamed,
} from './common.js';

const args = {
  ...modelArgument,
  data: {
    type: 'string',
    required: true,
    description: 'A data set: mnist, fashion-mnist, cifar10',
    valueHint: 'name',
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
    default: '0.1',
    description: 'Held-out training examples to measure on: a share or a count',
    valueHint: 'number',
  },
  seed: {
    type: 'string',
    default: '0',
    description: 'Which examples: give the seed the model was trained with',
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
    description: 'With --suggest: accuracy that each tensor may cost by itself',
    valueHint: 'number',
  },
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
    description: 'Accuracy against sparsity, tensor by tensor, on held-out data.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const levels = given.levels.split(',').map((text) => numberOf('levels', text));
    const [validation, seed, maxDrop] = (['validation', 'seed', 'max-drop'] as const).map((name) =>
      numberOf(name, given[name]),
    );
    await startNamed(given.backend, () => {});
    const model = await readLayersModel(given.model);
    const dataset = await loadDataset(given.data, {
      validation,
      seed,
      ...(given.dir !== undefined && { dir: given.dir }),
    });
    const data = batches(dataset.validation, {
      batchSize: 1000,
      shape: model.inputs[0].shape.slice(1) as number[],
      ...(given.scale !== undefined && { scale: given.scale as 'unit' }),
    });
    const run = new Run(model);
    const measured = await measureSensitivity(run, data, {
      kind: given.kind as SensitivityKind,
      levels,
      ...(given.parameters !== undefined && { parameters: given.parameters.split(',') }),
      onPoint: (name, { sparsity, accuracy }) =>
        tell(`${name} ${formatPercent(sparsity)}: ${formatPercent(accuracy)}\n`),
    });
    const files = {
      'sensitivity.csv': sensitivityCsv(measured),
      'sensitivity.json': `${JSON.stringify(measured, null, 2)}\n`,
      'sensitivity.html': renderSensitivity({ name: model.name, ...measured }),
    };
    for (const [name, content] of Object.entries(files)) await writeWhole(join(given.out, name), content);
    const schedule = given.suggest ? suggestion(measured, maxDrop) : undefined;
    run.dispose();
    disposeModel(model);
    if (given.json) return printJson({ ...measured, ...(schedule && { suggestion: schedule }) });
    const { baseline, curves, refused } = measured;
    const head = [given.kind, ...curves[0].points.map(({ sparsity }) => formatPercent(sparsity))];
    const rows = curves.map(({ name, points }) => [name, ...points.map((p) => formatPercent(p.accuracy))]);
    print(
      `Accuracy ${formatPercent(baseline.accuracy)} on ${baseline.size} held-out examples; with one tensor pruned to:\n\n${formatTable([head, ...rows])}\n`,
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
