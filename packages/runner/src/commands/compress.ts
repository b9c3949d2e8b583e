import { readFile } from 'node:fs/promises';
import { type Compressed, type CompressedWeights, compressWeights, type Fidelity } from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { readArtifacts } from '@espalier/formats';
import { formatBytes, formatTable } from '@espalier/report';
import { defineCommand } from 'citty';
import { compressModel } from '../pipeline/compress-model.js';
import { writeWhole } from '../pipeline/files.js';
import {
  backendArgument,
  checkArguments,
  jsonArgument,
  modelArgument,
  printJson,
  startNamed,
  warn,
} from './common.js';

const args = {
  ...modelArgument,
  out: {
    type: 'string',
    alias: 'o',
    required: true,
    description: 'The .esp file to write',
    valueHint: 'file',
  },
  quality: {
    type: 'string',
    description:
      "Least PSNR of the outputs against the original's, in dB (default 45); of weights without a model, their own SNR",
    valueHint: 'dB',
  },
  size: { type: 'string', description: 'Most bytes of the file: 100000, 100kB, 1.5MB', valueHint: 'bytes' },
  bits: { type: 'string', description: 'Most bits per weight, the whole file counted', valueHint: 'bits' },
  calibrate: {
    type: 'string',
    default: 'sample',
    description:
      'Inputs: a folder of pictures, a picture, .npy files (a,b for several inputs), or sample (made up)',
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
  peak: {
    type: 'string',
    description: "What outputs span, for the PSNR. Default: what the original's do",
    valueHint: 'number',
  },
  seed: { type: 'string', default: '1', description: 'Of the inputs', valueHint: 'n' },
  ...backendArgument,
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example =
  'espalier compress model.json -o model.esp --quality 45 --calibrate photos --range 0..255';

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new EspalierError('invalid-option', `--${name} is '${text}'.`, { remedy: 'Give a number.' });
}

const units: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1e3, mb: 1e6, kib: 1024, mib: 1024 ** 2 };

/** Bytes out of `100kB`. */
function bytes(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit] = /^([\d.]+)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = units[unit?.toLowerCase() ?? '?'];
  if (factor !== undefined && Number(digits) > 0) return Math.floor(Number(digits) * factor);
  throw new EspalierError('invalid-option', `--size is '${text}'.`, {
    remedy: 'Give bytes: 100000, 100kB, 1.5MB.',
  });
}

function rangeOf(text: string): [number, number] {
  const parts = text.split('..').map(Number);
  if (parts.length === 2 && parts[0] < parts[1]) return [parts[0], parts[1]];
  throw new EspalierError('invalid-option', `--range is '${text}'.`, { remedy: 'For example 0..255.' });
}

/** A few words on how near the outputs are. */
export function describeFidelity({ psnr, cosine, meanDifference, agreement, examples }: Fidelity): string {
  const parts = [
    Number.isFinite(psnr) ? `PSNR ${psnr.toFixed(2)} dB` : 'the same outputs',
    `cosine ${cosine.toFixed(6)}`,
    `mean difference ${meanDifference.toPrecision(3)}`,
    ...(agreement === undefined ? [] : [`same class ${(100 * agreement).toFixed(1)} %`]),
  ];
  return `${parts.join(', ')} (${examples} examples)`;
}

function describeQuality(result: Compressed | CompressedWeights): string {
  return 'snr' in result
    ? `SNR of the weights ${result.snr.toFixed(2)} dB`
    : describeFidelity(result.fidelity);
}

function table({ tensors }: Compressed | CompressedWeights): string {
  const counts = new Map<string, number>();
  for (const { method } of tensors) counts.set(method, (counts.get(method) ?? 0) + 1);
  return formatTable([['tensors', 'count'], ...counts]);
}

/** Options that need a model to run. */
function refuseInputs(
  given: { readonly [option in 'calibrate' | 'validate' | 'peak']?: string | undefined },
  file: string,
): void {
  const { calibrate, validate, peak } = given;
  const option = [
    ['--calibrate', calibrate === args.calibrate.default ? undefined : calibrate],
    ['--validate', validate],
    ['--peak', peak],
  ].find(([, value]) => value !== undefined);
  if (option) {
    throw new EspalierError(
      'invalid-option',
      `${file} holds weights and no model to run: ${option[0]} has no use.`,
      {
        remedy: 'Leave it out, or give the model.',
      },
    );
  }
}

export default defineCommand({
  meta: {
    name: 'compress',
    description:
      'Quantise a trained model without training it, to a measured quality or to a size, and pack it.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const goals = {
      quality: number('quality', given.quality),
      size: bytes(given.size),
      bits: number('bits', given.bits),
    };
    const goal = Object.fromEntries(Object.entries(goals).filter(([, value]) => value !== undefined));
    const peak = number('peak', given.peak);
    const calibration = {
      count: number('count', given.count) as number,
      length: number('length', given.length) as number,
      range: rangeOf(given.range),
      seed: number('seed', given.seed) as number,
    };
    const { artifacts, file } = await readArtifacts(given.model, { log: warn });
    const log = given.json ? () => {} : warn;
    const alone = artifacts.modelTopology === undefined;
    if (alone) refuseInputs(given, file);
    else await startNamed(given.backend, () => {});
    const result = alone
      ? await compressWeights(artifacts, { ...goal, log })
      : await compressModel(artifacts, {
          calibrate: given.calibrate,
          validate: given.validate,
          calibration,
          ...goal,
          ...(peak !== undefined && { peak }),
          log,
        });
    await writeWhole(given.out, result.file);
    const before = file.endsWith('.esp')
      ? (await readFile(file)).length
      : (artifacts.weightData as ArrayBuffer).byteLength;
    const summary = {
      model: file,
      out: given.out,
      weightBytes: before,
      losslessBytes: result.losslessBytes,
      bytes: result.file.length,
      lossless: result.lossless,
      met: result.met,
      ...('snr' in result ? { snr: result.snr } : { fidelity: result.fidelity }),
      trials: result.trials,
      tensors: result.tensors,
    };
    if (given.json) printJson(summary);
    else {
      process.stdout.write(`${table(result)}\n\n`);
      process.stdout.write(
        `${formatBytes(before)} of weights; ${formatBytes(result.losslessBytes)} without loss\n`,
      );
      process.stdout.write(
        result.lossless
          ? `${given.out}: ${result.file.length} bytes, without loss: nothing smaller was found\n`
          : `${given.out}: ${result.file.length} bytes; ${describeQuality(result)}\n`,
      );
    }
    if (!summary.met) {
      throw new EspalierError('not-met', 'The aim was not reached; the file is as near as the search came.', {
        remedy: 'Ask for less quality, or more bytes.',
      });
    }
  },
});
