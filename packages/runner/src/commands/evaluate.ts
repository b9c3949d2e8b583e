import { evaluate } from '@espalier/core';
import { textNames } from '@espalier/datasets';
import { formatTable } from '@espalier/report';
import { defineCommand } from 'citty';
import { confusionMatrix } from '../pipeline/confusion.js';
import { loadData } from '../pipeline/data.js';
import { readLayersModel } from '../pipeline/model-files.js';
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
    description: 'A data set: mnist, fashion-mnist, cifar10, moby-dick',
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
    description: 'Loss, accuracy and confusion on a test set; of text, bits per character.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    await startNamed(given.backend, () => {});
    const model = await readLayersModel(given.model);
    const { data: name, dir, scale } = given;
    const [length] = model.inputs[0].shape.slice(1) as number[];
    const loaded = await loadData(
      {
        name,
        data: {
          name,
          ...(textNames.includes(name) && { length }),
          ...(dir !== undefined && { dir }),
          ...(scale !== undefined && { scale: scale as 'unit' }),
        },
        model: given.model,
        stages: [],
      },
      () => {},
    );
    const data = loaded.cut(model).test;
    const result = await evaluate(model, data);
    const { accuracy, loss, size } = result;
    const line = `accuracy ${(100 * accuracy).toFixed(2)} %   error ${(100 * (1 - accuracy)).toFixed(2)} %   loss ${loss.toFixed(4)}`;
    if (loaded.characters) {
      const bitsPerCharacter = loss / Math.LN2;
      if (given.json) return printJson({ ...result, error: 1 - accuracy, bitsPerCharacter });
      print(
        `${line}   ${bitsPerCharacter.toFixed(4)} bits per character   (${size} sequences of ${length})\n`,
      );
      return;
    }
    const confusion = await confusionMatrix(model, data, loaded.classes.length);
    if (given.json) return printJson({ ...result, error: 1 - accuracy, confusion });
    const rows = confusion.map((row, i) => [loaded.classes[i], ...row]);
    print(
      `${line}   (${size} examples)\n\n${formatTable([['is \\ taken for', ...loaded.classes], ...rows])}\n`,
    );
  },
});
