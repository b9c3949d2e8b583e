import { readFile } from 'node:fs/promises';
import { type Compressed, compress, type Fidelity, load } from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { formatBytes, formatTable } from '@espalier/report';
import * as tf from '@tensorflow/tfjs-core';
import { defineCommand } from 'citty';
import { calibrationOf } from '../inputs/calibration.js';
import { writeWhole } from '../pipeline/files.js';
import { readArtifacts } from '../pipeline/model-files.js';
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
  out: {
    type: 'string',
    alias: 'o',
    required: true,
    description: 'The .esp file to write',
    valueHint: 'file',
  },
  quality: {
    type: 'string',
    description: "Least PSNR of the outputs against the original's, in dB (default 45)",
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

function table({ tensors }: Compressed): string {
  const counts = new Map<string, number>();
  for (const { method } of tensors) counts.set(method, (counts.get(method) ?? 0) + 1);
  return formatTable([['tensors', 'count'], ...counts]);
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
    const goal = {
      quality: number('quality', given.quality),
      size: bytes(given.size),
      bits: number('bits', given.bits),
    };
    const peak = number('peak', given.peak);
    const calibration = {
      count: number('count', given.count) as number,
      length: number('length', given.length) as number,
      range: rangeOf(given.range),
      seed: number('seed', given.seed) as number,
    };
    await startNamed(given.backend, () => {});
    const { artifacts, file } = await readArtifacts(given.model);
    const log = given.json ? () => {} : (line: string): void => void process.stderr.write(`${line}\n`);
    const examples = async (source: string, seed: number): Promise<tf.Tensor[]> => {
      const model = await load(artifacts);
      try {
        return [...(await calibrationOf(source, model.inputs, { ...calibration, seed }))];
      } finally {
        model.dispose();
      }
    };
    const inputs = await examples(given.calibrate, calibration.seed);
    const validation =
      given.validate === undefined ? undefined : await examples(given.validate, calibration.seed + 1);
    const result = await compress(artifacts, {
      ...Object.fromEntries(Object.entries(goal).filter(([, value]) => value !== undefined)),
      calibration: inputs,
      ...(validation && { validation }),
      ...(peak !== undefined && { peak }),
      log,
    });
    tf.dispose([inputs, validation ?? []]);
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
      fidelity: result.fidelity,
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
          : `${given.out}: ${result.file.length} bytes; ${describeFidelity(result.fidelity)}\n`,
      );
    }
    if (!summary.met) {
      throw new EspalierError('not-met', 'The aim was not reached; the file is as near as the search came.', {
        remedy: 'Ask for less quality, or more bytes.',
      });
    }
  },
});
