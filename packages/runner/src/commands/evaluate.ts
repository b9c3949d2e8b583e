import { evaluate } from '@espalier/core';
import { batches, loadDataset } from '@espalier/datasets';
import { formatTable } from '@espalier/report';
import { defineCommand } from 'citty';
import { confusionMatrix } from '../pipeline/confusion.js';
import { readLayersModel } from '../pipeline/model-files.js';
import { backendArgument, checkArguments, jsonArgument, printJson, startNamed } from './common.js';

const args = {
  model: { type: 'positional', required: true, description: 'model.json, its folder, or an .esp file' },
  data: {
    type: 'string',
    required: true,
    description: 'A data set: mnist, fashion-mnist, cifar10',
    valueHint: 'name',
  },
  scale: {
    type: 'string',
    description: 'How bytes become numbers: unit (default), symmetric, none',
    valueHint: 'name',
  },
  dir: { type: 'string', description: 'Where your own data files are', valueHint: 'folder' },
  ...backendArgument,
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier evaluate runs/demo/model.esp --data mnist';

export default defineCommand({
  meta: {
    name: 'evaluate',
    description: 'Loss, accuracy and confusion on a test set.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    await startNamed(given.backend, () => {});
    const model = await readLayersModel(given.model);
    const dataset = await loadDataset(given.data, given.dir === undefined ? {} : { dir: given.dir });
    const data = batches(dataset.test, {
      batchSize: 1000,
      shape: model.inputs[0].shape.slice(1) as number[],
      ...(given.scale !== undefined && { scale: given.scale as 'unit' }),
    });
    const result = await evaluate(model, data);
    const confusion = await confusionMatrix(model, data, dataset.classes.length);
    if (given.json) return printJson({ ...result, error: 1 - result.accuracy, confusion });
    const rows = confusion.map((row, i) => [dataset.classes[i], ...row]);
    process.stdout.write(
      `accuracy ${(100 * result.accuracy).toFixed(2)} %   error ${(100 * (1 - result.accuracy)).toFixed(2)} %   loss ${result.loss.toFixed(4)}   (${result.size} examples)\n\n` +
        `${formatTable([['is \\ taken for', ...dataset.classes], ...rows])}\n`,
    );
  },
});
