import { evaluate } from '@espalier/core';
import { textNames } from '@espalier/datasets';
import { formatPercent, formatTable } from '@espalier/report';
import { defineCommand } from 'citty';
import { dataHelp, givenData } from '../inputs/data-argument.js';
import { confusionMatrix } from '../pipeline/confusion.js';
import { loadData } from '../pipeline/data.js';
import { readLayersModel } from '../pipeline/model-files.js';
import type { Recipe } from '../recipe/schema.js';
import { print } from '../terminal/stream.js';
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
    description: dataHelp,
    valueHint: 'data',
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
    description: 'Loss, accuracy and confusion on a test set; of text, bits per character.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    await startNamed(given.backend, () => {});
    const model = await readLayersModel(given.model);
    const { dir, scale } = given;
    const [length] = model.inputs[0].shape.slice(1) as number[];
    const { data, folder, seed, loss } = await givenData(given.data, {
      ...(textNames.includes(given.data) && { length }),
      ...(dir !== undefined && { dir }),
      ...(scale !== undefined && { scale }),
    });
    const recipe = { name: model.name, seed, data, model: given.model, stages: [], ...(loss && { loss }) };
    const loaded = await loadData(recipe as Recipe, folder, () => {});
    const { test } = loaded.cut(model);
    const result = await evaluate(model, test, loaded.loss ? { loss: loaded.loss } : {});
    const { accuracy, loss: mean, size } = result;
    const numbers = loaded.source.labels.every((label) => label.numbers);
    if (numbers) {
      if (given.json) return printJson({ loss: mean, size });
      print(`loss ${mean.toFixed(6)}   its root ${Math.sqrt(mean).toFixed(6)}   (${size} examples)\n`);
      return;
    }
    const line = `accuracy ${(100 * accuracy).toFixed(2)} %   error ${(100 * (1 - accuracy)).toFixed(2)} %   loss ${mean.toFixed(4)}`;
    if (loaded.characters) {
      const bitsPerCharacter = mean / Math.LN2;
      if (given.json) return printJson({ ...result, error: 1 - accuracy, bitsPerCharacter });
      print(
        `${line}   ${bitsPerCharacter.toFixed(4)} bits per character   (${size} sequences of ${length})\n`,
      );
      return;
    }
    if (loaded.classes.length === 0) {
      if (given.json) return printJson({ ...result, error: 1 - accuracy });
      const each = Object.entries(result.outputs ?? {}).map(([name, one]) => [
        name,
        formatPercent(one.accuracy),
        one.loss.toFixed(4),
      ]);
      print(
        `${line}   (${size} examples)\n${each.length > 0 ? `\n${formatTable([['output', 'accuracy', 'loss'], ...each])}\n` : ''}`,
      );
      return;
    }
    const confusion = await confusionMatrix(model, test, loaded.classes.length);
    if (given.json) return printJson({ ...result, error: 1 - accuracy, confusion });
    const rows = confusion.map((row, i) => [loaded.classes[i], ...row]);
    print(
      `${line}   (${size} examples)\n\n${formatTable([['is \\ taken for', ...loaded.classes], ...rows])}\n`,
    );
  },
});
