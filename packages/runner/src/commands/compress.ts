import type { Backend } from '@espalier/backend';
import type { Fidelity } from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { formatBytes, formatTable } from '@espalier/report';
import { defineCommand } from 'citty';
import { madeUp } from '../pipeline/compress-model.js';
import { type CompressOutcome, type CompressUse, compressOnce } from '../pipeline/compress-once.js';
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
import { calibrationOptions, goalOf, number } from './compress-options.js';
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

/** A few words on how near the outputs are. */
export function describeFidelity({
  psnr,
  mean,
  least = Number.POSITIVE_INFINITY,
  cosine,
  meanDifference,
  agreement,
  examples,
}: Fidelity): string {
  const of = mean === undefined ? '' : ` of the worst output for one input, of all ${mean.toFixed(2)} dB`;
  const parts = [
    psnr === Number.POSITIVE_INFINITY ? 'the same outputs' : `PSNR ${psnr.toFixed(2)} dB${of}`,
    ...(least < psnr ? [`of the worst output for one input ${least.toFixed(2)} dB`] : []),
    `cosine ${cosine.toFixed(6)}`,
    `mean difference ${meanDifference.toPrecision(3)}`,
    ...(agreement === undefined ? [] : [`same class ${(100 * agreement).toFixed(1)} %`]),
  ];
  return `${parts.join(', ')} (${examples} examples)`;
}

/** Why the outputs' errors are counted as they are, where that is not plain. */
function notes(result: CompressOutcome): string[] {
  if ('snr' in result) {
    return result.reason ? [`${result.reason} The weights were compressed by themselves.`] : [];
  }
  const { before, floored, peaks, tensors } = result;
  const unreached = tensors.filter((tensor) => tensor.unreached).length;
  const [one, several] = [before.length === 1, before.length > 1];
  const flat = floored.map((o) => peaks[o].toPrecision(3)).join(', ');
  return [
    ...(one ? [`Output ${before[0]} is chosen by the model: measured is what it chooses from.`] : []),
    ...(several
      ? [`Outputs ${before.join(', ')} are chosen by the model: measured is what it chooses from.`]
      : []),
    ...(floored.length === 1
      ? [
          `Output ${floored[0]} hardly varies over these inputs: its peak is taken as ${flat}; --peak gives another.`,
        ]
      : []),
    ...(floored.length > 1
      ? [
          `Outputs ${floored.join(', ')} hardly vary over these inputs: their peaks are taken as ${flat}; --peak gives another.`,
        ]
      : []),
    ...(unreached > 0
      ? [`${unreached} tensors that no output depends on, with these inputs, were quantised by themselves.`]
      : []),
  ];
}

function describe(result: CompressOutcome, bySize: boolean): string {
  const { weightBytes, out, bytes } = result;
  const counts = new Map<string, number>();
  for (const { method } of result.tensors) counts.set(method, (counts.get(method) ?? 0) + 1);
  const quality =
    'snr' in result
      ? `SNR of the weights ${result.snr.toFixed(2)} dB`
      : `${describeFidelity(result.fidelity)}; measured on ${result.measuredOn}`;
  const how = result.lossless ? `without loss${bySize ? '' : ': nothing smaller meets the aim'}` : quality;
  return [
    formatTable([['tensors', 'count'], ...counts]),
    '',
    ...notes(result),
    `${formatBytes(weightBytes)} of weights; ${formatBytes(result.losslessBytes)} without loss`,
    `${out}: ${bytes} bytes${result.lossless ? ', ' : '; '}${how}`,
    ...(result.update ? [`${result.update.out}: ${result.update.bytes} bytes`] : []),
  ].join('\n');
}

export default defineCommand({
  meta: {
    name: 'compress',
    description:
      'Quantise a trained model without training it, to a measured quality or to a size, and pack it.',
  },
  args,
  async run({ args: given, rawArgs }) {
    checkArguments(given, args);
    const aim = goalOf(given);
    const aims = given.aims === undefined ? undefined : aimsOf(given.aims, aim);
    const use = useOf(given, repeated(rawArgs, 'input'));
    const log = given.json ? () => {} : warn;
    if (aims !== undefined) return severalAims(given, use, aims);
    if (sideBySide(given)) throw alone();
    const start = (): Promise<Backend> => startNamed(given.backend, () => {}, { threads: threadsOf(given) });
    const result = await compressOnce({ ...use, aim }, given.out, { start, log, warn });
    const bySize = 'size' in aim || 'bits' in aim;
    if (given.json) printJson(result);
    else print(`${describe(result, bySize)}\n`);
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
