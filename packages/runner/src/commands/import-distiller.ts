import { basename, dirname, relative, resolve } from 'node:path';
import { EspalierError, type Parameter, parametersOf } from '@espalier/core';
import type { ImportOptions } from '@espalier/distiller';
import { NotRegularError, readRegular } from '@espalier/host';
import { parseYaml } from '@espalier/yaml';
import { defineCommand } from 'citty';
import { namedOrBraces } from '../inputs/data-argument.js';
import { writeWhole } from '../pipeline/files.js';
import { makeModel } from '../pipeline/model.js';
import { resolveRecipe } from '../recipe/load.js';
import { optionalPackage } from '../resolve-optional.js';
import { print, tell } from '../terminal/stream.js';
import { checkArguments, jsonArgument, printJson, startNamed } from './common.js';

const args = {
  schedule: { type: 'positional', required: true, description: 'A Distiller schedule (YAML)' },
  output: {
    type: 'string',
    alias: 'o',
    description: 'Write the recipe here (default: stdout)',
    valueHint: 'file',
  },
  model: {
    type: 'string',
    description:
      'The model it is for: an architecture, model.json or .esp; weights are matched by name, or by order',
    valueHint: 'model',
  },
  names: {
    type: 'string',
    description:
      'A YAML map from PyTorch names to parameters, or a list of PyTorch names in the order of the model',
    valueHint: 'file',
  },
  data: {
    type: 'string',
    description: "The data of the recipe: a name, or '{ images: ./photos }' as it will stand there",
    valueHint: 'data',
  },
  epochs: { type: 'string', description: 'How long training goes on', valueHint: 'number' },
  lr: { type: 'string', description: 'The initial learning rate', valueHint: 'number' },
  'batch-size': { type: 'string', description: 'Examples per step', valueHint: 'number' },
  wd: { type: 'string', description: 'Weight decay', valueHint: 'number' },
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier import-distiller schedule.yaml --model lenet-5 --data mnist -o recipe.yaml';

async function read(file: string, what: string): Promise<string> {
  try {
    return (await readRegular(file)).toString();
  } catch (cause) {
    const missing = `There is no ${what} ${file}.`;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new EspalierError('unknown-name', missing, { cause });
    const found = cause instanceof NotRegularError ? cause : { message: `Cannot read ${file} (${code}).` };
    throw new EspalierError('bad-recipe', found.message, { cause, remedy: `Give the file of a ${what}.` });
  }
}

/** A number of the command line. */
function numeric(name: string, text: string | undefined, whole: boolean): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (
    text.trim() !== '' &&
    value >= 0 &&
    (whole ? Number.isInteger(value) && value > 0 : Number.isFinite(value))
  ) {
    return value;
  }
  throw new EspalierError('invalid-option', `--${name} is ${text}.`, {
    remedy: whole ? 'Give a whole number >= 1.' : 'Give a number >= 0.',
  });
}

async function readTable(file: string): Promise<NonNullable<ImportOptions['table']>> {
  const table = parseYaml(await read(file, 'table'), file).value;
  const texts = (values: unknown[]): boolean => values.every((value) => typeof value === 'string');
  if (Array.isArray(table) && texts(table)) return table as string[];
  if (table !== null && typeof table === 'object' && !Array.isArray(table) && texts(Object.values(table))) {
    return table as Record<string, string>;
  }
  throw new EspalierError('invalid-option', `${file} is neither a map of names nor a list of names.`, {
    remedy: "Write lines such as 'module.conv1.weight: conv1/kernel', or '- module.conv1.weight'.",
  });
}

const isFile = (model: string): boolean => /[/\\]|\.(json|esp)$/.test(model);

async function parametersIn(model: string): Promise<Parameter[]> {
  await startNamed('cpu', () => {});
  const made = await makeModel({ model, name: 'import', data: { name: '' }, stages: [] }, '.', []);
  return parametersOf(made);
}

export default defineCommand({
  meta: { name: 'import-distiller', description: 'A recipe out of a Distiller schedule.' },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const { schedule: file, output, model, names, data, json } = given;
    const numbers = {
      epochs: numeric('epochs', given.epochs, true),
      learningRate: numeric('lr', given.lr, false),
      batchSize: numeric('batch-size', given['batch-size'], true),
      weightDecay: numeric('wd', given.wd, false),
    };
    const { importSchedule } = await optionalPackage(
      '@espalier/distiller',
      () => import('@espalier/distiller'),
    );
    const text = await read(file, 'schedule');
    const seen = output === undefined ? '.' : dirname(resolve(output));
    const {
      yaml,
      notes,
      names: found,
    } = importSchedule(text, file, {
      name: basename(file).replace(/\.ya?ml$/, ''),
      ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined)),
      ...(data !== undefined && { data: namedOrBraces(data) }),
      ...(names !== undefined && { table: await readTable(names) }),
      ...(model !== undefined && {
        model: isFile(model) ? `./${relative(seen, resolve(model))}`.replaceAll('\\', '/') : model,
        parameters: await parametersIn(model),
      }),
    });
    const { value, source } = parseYaml(yaml, output ?? file);
    const { recipe } = resolveRecipe(value, source);
    if (output !== undefined) await writeWhole(resolve(output), yaml);
    if (json) return printJson({ yaml, notes, recipe, names: found });
    if (output === undefined) print(yaml);
    const words = { lost: 'no counterpart', changed: 'done in another way', defect: 'known fault' } as const;
    for (const { kind, at, message } of notes) {
      const more = at.length > 1 ? ` (and in ${at.length - 1} more places)` : '';
      tell(`${at[0]}: ${words[kind]}: ${message}${more}\n`);
    }
  },
});
