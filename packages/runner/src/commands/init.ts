import { defineCommand } from 'citty';
import { initRecipe } from '../init/init.js';
import { terminalAsk } from '../init/questions.js';
import { print } from '../terminal/stream.js';
import { checkArguments, startNamed, warn } from './common.js';

const args = {
  data: {
    type: 'string',
    description:
      'Your data: a .csv or .tsv, a folder of pictures or texts, .npy, .npz, .safetensors, .jsonl, .txt, or a name',
    valueHint: 'path',
  },
  target: {
    type: 'string',
    description: 'Of a table or .jsonl: what is to be predicted',
    valueHint: 'column',
  },
  task: {
    type: 'string',
    description: 'Of a table: classes or number (default: found out)',
    valueHint: 'name',
  },
  labels: { type: 'string', description: 'Of arrays: the labels, as y.npy or data.npz#y', valueHint: 'file' },
  model: {
    type: 'string',
    description: 'A model to start from (default: a small new one)',
    valueHint: 'file',
  },
  goal: {
    type: 'string',
    description: 'size (default): the smallest file; speed: fewer multiplications',
    valueHint: 'name',
  },
  epochs: { type: 'string', description: 'Of the first stage (default: by the data)', valueHint: 'number' },
  out: { type: 'string', description: 'The recipe (default recipe.yaml)', valueHint: 'file' },
} as const;

/** Shown by --help. */
export const example = 'espalier init --data table.csv --target price';

export default defineCommand({
  meta: {
    name: 'init',
    description: 'Write a recipe for your data: asks what it cannot see, on a terminal; else flags answer.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args, 0);
    const flags = Object.fromEntries(
      Object.keys(args).map((flag) => [flag, given[flag as keyof typeof args]]),
    );
    await startNamed('auto', () => {});
    const terminal = terminalAsk();
    try {
      const file = await initRecipe({ flags, ...(terminal && { ask: terminal.ask }), log: warn });
      print(`${file}\n\nRun it: espalier run ${file}\n`);
    } finally {
      terminal?.close();
    }
  },
});
