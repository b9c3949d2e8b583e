import { type Data, type Evaluation, evaluate } from '@espalier/core';
import { textNames } from '@espalier/datasets';
import type { MetricName } from '@espalier/metrics';
import { formatMeasure, formatPercent, formatTable, unitOf } from '@espalier/report';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { defineCommand } from 'citty';
import { dataHelp, givenData } from '../inputs/data-argument.js';
import { confusionMatrix } from '../pipeline/confusion.js';
import { loadData, outputClasses } from '../pipeline/data.js';
import { evaluating, type Measures, measuresOf, scoreOf } from '../pipeline/measures.js';
import { readLayersModel } from '../pipeline/model-files.js';
import type { MeasuredRecipe } from '../pipeline/own-measures.js';
import { print } from '../terminal/stream.js';
import {
  backendArgument,
  checkArguments,
  jsonArgument,
  modelArgument,
  printJson,
  startNamed,
} from './common.js';
import { classTables } from './per-class.js';

const args = {
  ...modelArgument,
  data: {
    type: 'string',
    required: true,
    description: dataHelp,
    valueHint: 'data',
  },
  scale: {
    type: 'string',
    description: 'How bytes become numbers: unit (default), symmetric, none',
    valueHint: 'name',
  },
  metrics: {
    type: 'string',
    description: "What else is measured, such as f1,auc (default: a recipe's; of numbers, rmse)",
    valueHint: 'names',
  },
  dir: { type: 'string', description: 'Where your own data files are', valueHint: 'folder' },
  ...backendArgument,
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier evaluate runs/demo/model.esp --data mnist';

/** An evaluation without what means nothing, its metrics in one record. */
async function measured(
  model: LayersModel,
  data: Data,
  measures: Measures,
): Promise<
  Omit<Evaluation, 'accuracy' | 'metrics'> & { accuracy?: number; metrics?: Record<string, number> }
> {
  const evaluation = await evaluate(model, data, evaluating(measures));
  const { accuracy: _, metrics: __, ...rest } = evaluation;
  const { accuracy, metrics } = scoreOf(measures, evaluation);
  const { loss, ...others } = rest;
  return { loss, ...(accuracy !== undefined && { accuracy }), ...others, ...(metrics && { metrics }) };
}

export default defineCommand({
  meta: {
    name: 'evaluate',
    description: 'Loss, accuracy, confusion and other metrics on a test set; of text, bits per character.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    await startNamed(given.backend, () => {});
    const model = await readLayersModel(given.model);
    const { dir, scale } = given;
    const [length] = model.inputs[0].shape.slice(1) as number[];
    const { data, folder, seed, loss, ...own } = await givenData(given.data, {
      ...(textNames.includes(given.data) && { length }),
      ...(dir !== undefined && { dir }),
      ...(scale !== undefined && { scale }),
    });
    const recipe = { name: model.name, seed, data, model: given.model, stages: [], ...(loss && { loss }) };
    const loaded = await loadData(recipe as MeasuredRecipe, folder, () => {});
    const { test } = loaded.cut(model);
    const metrics = given.metrics?.split(',').map((name) => name.trim() as MetricName) ?? own.metrics;
    const measures = measuresOf(
      { ...own, ...(metrics && { metrics }) },
      model,
      loaded.loss,
      loaded.source.labels,
    );
    const { metrics: flat, ...result } = await measured(model, test, measures);
    const { loss: mean, size } = result;
    const more = Object.entries(flat ?? {}).filter(([name]) => name !== 'accuracy');
    const table = more.map(([name, value]) => [name, formatMeasure(value, unitOf(name, measures.shown))]);
    const also = {
      ...(flat && { metrics: flat }),
      ...(loaded.classes.length > 0 && result.perClass && { classes: loaded.classes }),
    };
    const named = outputClasses(loaded.source.labels, model.outputNames);
    const metricRows = table.length > 0 ? `\n${formatTable([['metric', 'value'], ...table])}\n` : '';
    const rest = metricRows + classTables(result, measures, loaded.classes, named);
    if (measures.accuracy === 'none') {
      const { accuracy: _, ...numbers } = result;
      if (given.json) return printJson({ ...numbers, ...also });
      print(`loss ${mean.toFixed(6)}   (${size} examples)\n${rest}`);
      return;
    }
    const accuracy = result.accuracy ?? Number.NaN;
    const line = `accuracy ${(100 * accuracy).toFixed(2)} %   error ${(100 * (1 - accuracy)).toFixed(2)} %   loss ${mean.toFixed(4)}`;
    if (loaded.characters) {
      const bitsPerCharacter = mean / Math.LN2;
      if (given.json) return printJson({ ...result, ...also, error: 1 - accuracy, bitsPerCharacter });
      print(
        `${line}   ${bitsPerCharacter.toFixed(4)} bits per character   (${size} sequences of ${length})\n${rest}`,
      );
      return;
    }
    if (loaded.classes.length === 0) {
      if (given.json) return printJson({ ...result, ...also, error: 1 - accuracy });
      const each = Object.entries(result.outputs ?? {}).map(([name, one]) => [
        name,
        formatPercent(one.accuracy),
        one.loss.toFixed(4),
      ]);
      print(
        `${line}   (${size} examples)\n${each.length > 0 ? `\n${formatTable([['output', 'accuracy', 'loss'], ...each])}\n` : ''}${rest}`,
      );
      return;
    }
    const confusion = await confusionMatrix(model, test, loaded.classes.length);
    if (given.json) return printJson({ ...result, ...also, error: 1 - accuracy, confusion });
    const rows = confusion.map((row, i) => [loaded.classes[i], ...row]);
    print(
      `${line}   (${size} examples)\n\n${formatTable([['is \\ taken for', ...loaded.classes], ...rows])}\n${rest}`,
    );
  },
});
