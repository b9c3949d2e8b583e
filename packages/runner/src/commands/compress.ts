import type { Backend } from '@espalier/backend';
import { EspalierError } from '@espalier/core';
import { defineCommand } from 'citty';
import { dataHelp } from '../inputs/data-argument.js';
import { madeUp } from '../pipeline/compress-model.js';
import { type CompressUse, compressOnce } from '../pipeline/compress-once.js';
import { print } from '../terminal/stream.js';
import {
  backendArgument,
  checkArguments,
  jsonArgument,
  modelArgument,
  outArgument,
  printJson,
  repeated,
  startNamed,
  warn,
} from './common.js';
import { aimsOf, notMet, severalAims } from './compress-aims.js';
import { accuracyOf, calibrationOptions, goalOf, number } from './compress-options.js';
import { describe } from './compress-told.js';
import { crewArguments, sideBySide, threadsOf } from './crew-options.js';

const args = {
  ...modelArgument,
  ...outArgument('The .esp file to write'),
  quality: {
    type: 'string',
    description:
      "Least PSNR of the outputs against the original's, in dB (default 45); of weights without a model, their own SNR",
    valueHint: 'dB',
  },
  size: { type: 'string', description: 'Most bytes of the file: 100000, 100kB, 1.5MB', valueHint: 'bytes' },
  bits: { type: 'string', description: 'Most bits per weight, the whole file counted', valueHint: 'bits' },
  metric: {
    type: 'string',
    description: 'accuracy: the least file at no more than --points of accuracy lost on --data',
    valueHint: 'name',
  },
  data: {
    type: 'string',
    description: `Labelled examples for --metric: its validation part chooses, its test part is measured on, 256 examples or --count of its training part calibrate unless --calibrate is given. ${dataHelp}`,
    valueHint: 'data',
  },
  points: {
    type: 'string',
    description: 'Most percentage points of accuracy lost (default 0.5: from 98.4 to 97.9 %)',
    valueHint: 'n',
  },
  aims: {
    type: 'string',
    description: 'Several qualities, a file each: 30,40,50 writes model-30dB.esp and so on',
    valueHint: 'dB,dB',
  },
  calibrate: {
    type: 'string',
    default: madeUp,
    description:
      "Inputs: a folder of pictures, a picture, .npy files (a,b for several inputs), data as a recipe has them ('{ csv: t.csv, target: a }', or a recipe), or sample (free photographs and made-up inputs)",
    valueHint: 'source',
  },
  validate: {
    type: 'string',
    description: 'Inputs that the quality is measured on. Default: a quarter of --calibrate, set apart',
    valueHint: 'source',
  },
  count: {
    type: 'string',
    default: '48',
    description: 'How many inputs are made or cut from pictures',
    valueHint: 'n',
  },
  length: {
    type: 'string',
    default: '48',
    description: 'Pixels (elements) along axes that take any size',
    valueHint: 'n',
  },
  range: {
    type: 'string',
    default: '0..1',
    description: 'What black and white are for the model: 0..1, 0..255, -1..1',
    valueHint: 'low..high',
  },
  update: {
    type: 'string',
    description:
      'An older .esp file that users have: weights stay where it has them as far as the aim allows, and an update (.espd) is written beside the file; --size and --bits then bound the update',
    valueHint: 'old.esp',
  },
  peak: {
    type: 'string',
    description:
      "What outputs span, for the PSNR. Default: what the original's do, at least 1/32 of their greatest magnitude",
    valueHint: 'number',
  },
  input: {
    type: 'string',
    description:
      'A value for an input that takes no examples: --input training=false, name=0.5, name=state.npy (repeatable). Default: scalars 1, flags false',
    valueHint: 'name=value',
  },
  seconds: {
    type: 'string',
    description:
      'About how much processor time it may take: what no longer fits is left out. Default: what takes some 50 natively, counted, so that the file is the same on every machine; Infinity: all the work',
    valueHint: 'n',
  },
  seed: { type: 'string', default: '1', description: 'Of the inputs', valueHint: 'n' },
  ...crewArguments,
  ...backendArgument,
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example =
  'espalier compress model.json -o model.esp --quality 45 --calibrate photos --range 0..255';

export default defineCommand({
  meta: {
    name: 'compress',
    description:
      'Quantise a trained model without training it, to a measured quality or to a size, and pack it.',
  },
  args,
  async run({ args: given, rawArgs }) {
    checkArguments(given, args);
    const accuracy = accuracyOf(given);
    const aim = goalOf(given);
    const aims = given.aims === undefined ? undefined : aimsOf(given.aims, aim);
    const use = useOf(given, repeated(rawArgs, 'input'));
    const log = given.json ? () => {} : warn;
    if (aims !== undefined) return severalAims(given, use, aims);
    if (sideBySide(given)) throw alone();
    const start = (): Promise<Backend> => startNamed(given.backend, () => {}, { threads: threadsOf(given) });
    const result = await compressOnce({ ...use, aim, ...(accuracy && { accuracy }) }, given.out, {
      start,
      log,
      warn,
    });
    const bySize = 'size' in aim || 'bits' in aim;
    if (given.json) printJson(result);
    else print(`${describe(result, bySize)}\n`);
    if (!result.met && accuracy) {
      throw new EspalierError(
        'not-met',
        `More than ${accuracy.points} points are lost on the examples set apart.`,
        {
          remedy: 'Give more examples for validation, by which steps are chosen, or --points fewer.',
        },
      );
    }
    if (!result.met) throw notMet('The aim was not reached; the file is as near as the search came.', bySize);
  },
});

const alone = (): EspalierError =>
  new EspalierError('invalid-option', 'One aim is one trial: there is nothing to do side by side.', {
    remedy: 'Give several: --aims 30,40,50.',
  });

type Given = Parameters<typeof calibrationOptions>[0] & {
  readonly model: string;
  readonly calibrate: string;
  readonly validate?: string | undefined;
  readonly peak?: string | undefined;
  readonly update?: string | undefined;
  readonly seconds?: string | undefined;
};

/** What a command line asks for, but for the aim. */
function useOf(given: Given, inputs: readonly string[]): Omit<CompressUse, 'aim'> {
  const { model, calibrate, validate, peak, update } = given;
  const seconds =
    given.seconds === undefined ? undefined : number('seconds', given.seconds, 1, Number.POSITIVE_INFINITY);
  return {
    model,
    calibrate,
    ...(validate !== undefined && { validate }),
    calibration: calibrationOptions(given),
    ...(update !== undefined && { update }),
    ...(peak !== undefined && { peak: number('peak', peak, 1e-30, 1e30) }),
    inputs,
    ...(seconds !== undefined && { seconds: Number.isFinite(seconds) ? seconds : 'all' }),
  };
}
