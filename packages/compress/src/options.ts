import { checkOptions, checkRange, EspalierError } from '@espalier/core';
import type { GenerateOptions } from './examples/generate.js';
import type { Labelled } from './fidelity/accuracy.js';
import type { InputValues } from './model/graph/fixed-inputs.js';
import type { Examples, InputSpec } from './model/model.js';

/** Makes examples for these inputs; whoever called it disposes them. */
export type ExampleSource = (inputs: readonly InputSpec[]) => Examples | Promise<Examples>;

/** Makes examples with their classes; whoever called it disposes all. */
export type LabelledSource = (inputs: readonly InputSpec[]) => Labelled | Promise<Labelled>;

/** An accuracy to keep to: of a model with one output of classes. */
export interface AccuracyAim {
  /** Most percentage points lost, at least 0. */
  readonly points: number;
  /**
   * Those that the steps are chosen by: the coarsest that lose no more, nor with as much more as a standard deviation of the difference.
   */
  readonly examples: Labelled | LabelledSource;
  /** Those that the loss is measured on at the end, and nothing is chosen by. Default: the second half of `examples`. */
  readonly apart?: Labelled | LabelledSource;
}

/** What {@link compress} is asked for: one of `quality`, `size`, `bits` and `accuracy`. */
export interface CompressOptions {
  /**
   * PSNR of the outputs against the original's, in dB: each output's error in units of its peak. Default 45. The file is
   * the smallest found that reaches it on `validation`. Where there is none, and the model takes pictures, each output reaches it
   * for each photograph and made-up picture that is set apart, in units of what it spans for that picture: see `Fidelity.least`.
   */
  readonly quality?: number;
  /** Most bytes of the file. */
  readonly size?: number;
  /** Most bits per weight, the whole file over the number of weights. */
  readonly bits?: number;
  /** Most accuracy lost on labelled examples. They take the place of `validation`. */
  readonly accuracy?: AccuracyAim;
  /** Inputs as the model will meet them, a tensor per input. Default: `sampleExamples`. */
  readonly calibration?: Examples | ExampleSource;
  /** How inputs are made where no `calibration` is given. */
  readonly sample?: GenerateOptions;
  /** Inputs that the quality is measured on. Default: the last quarter of `calibration`, which is then not used otherwise. */
  readonly validation?: Examples | ExampleSource;
  /** Values of a graph model's inputs that are the same for all examples. Default: 1 for scalars, false for flags. */
  readonly inputs?: InputValues;
  /**
   * What an output of the model spans at most, for the PSNR. Default: what the original's outputs on `validation` span, at
   * least 1/32 of their greatest magnitude.
   */
  readonly peak?: number;
  /** How many examples are computed at a time. Default 8; 1 for models that take one. */
  readonly batchSize?: number;
  /**
   * About how much processor time all may take, in seconds; of clocks, where no other is known. What no longer fits (inputs,
   * positions, trials, tensors looked at one by one) is left out. Default: what takes some 50 natively, counted rather than measured:
   * the file is the same on every machine, and a slow one takes longer. Infinity: all the work.
   */
  readonly seconds?: number;
  /** How hard the coder searches, 0 to 9. Default 6. */
  readonly effort?: number;
  /**
   * An older `.esp` file, which those have who are to load this one: its tensors are quantised on the older one's steps, and
   * weights stay where they were as far as the aim allows. `size` and `bits` then bound the update.
   */
  readonly update?: Uint8Array;
  /** Receives a line on each step. */
  readonly log?: (line: string) => void;
  /** Receives each trial of the search, measured both ways: it costs some time, and the file is the same. */
  readonly onTrial?: (trial: Tried) => void;
}

/** A trial of the search as `onTrial` gets it. */
export interface Tried {
  /** Of the outputs, in dB; of weights without a model their SNR. */
  readonly quality: number;
  /** About: where they were not packed, by how often each level occurs. */
  readonly bytes: number;
}

const names = [
  'quality',
  'size',
  'bits',
  'accuracy',
  'calibration',
  'sample',
  'validation',
  'inputs',
  'peak',
  'batchSize',
  'seconds',
  'effort',
  'update',
  'log',
  'onTrial',
];

/** @throws EspalierError `unknown-option`, `invalid-option` */
export function checkCompressOptions(options: CompressOptions): void {
  checkOptions('compress', options, names);
  const goals = (['quality', 'size', 'bits', 'accuracy'] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (goals.length > 1) {
    throw new EspalierError('invalid-option', `compress: ${goals.join(' and ')} are both given.`, {
      remedy: 'Give one of quality, size, bits and accuracy: the others follow.',
    });
  }
  if (options.quality !== undefined) checkRange('compress', 'quality', options.quality, 1, 140);
  if (options.size !== undefined) checkRange('compress', 'size', options.size, 1, Number.MAX_SAFE_INTEGER);
  if (options.bits !== undefined) checkRange('compress', 'bits', options.bits, 0.01, 32);
  if (options.accuracy !== undefined) checkAccuracy(options.accuracy, options);
  if (options.peak !== undefined) checkRange('compress', 'peak', options.peak, 1e-30, 1e30);
  if (options.batchSize !== undefined) checkRange('compress', 'batchSize', options.batchSize, 1, 65536);
  if (options.seconds !== undefined)
    checkRange('compress', 'seconds', options.seconds, 1, Number.POSITIVE_INFINITY);
  if (options.update !== undefined && !(options.update instanceof Uint8Array)) {
    throw new EspalierError('invalid-option', 'compress: update is no Uint8Array.', {
      remedy: 'Give the bytes of the older .esp file.',
    });
  }
  if (options.effort !== undefined) checkRange('compress', 'effort', options.effort, 0, 9);
}

/** @throws EspalierError `unknown-option`, `invalid-option` */
function checkAccuracy(accuracy: AccuracyAim, options: CompressOptions): void {
  checkOptions('compress accuracy', accuracy, ['points', 'examples', 'apart']);
  checkRange('compress accuracy', 'points', accuracy.points, 0, 100);
  const other = (['validation', 'update'] as const).find((name) => options[name] !== undefined);
  if (accuracy.examples === undefined || other) {
    throw new EspalierError(
      'invalid-option',
      other
        ? `compress: accuracy and ${other} are both given.`
        : 'compress: accuracy has no examples to be measured on.',
      { remedy: other ? 'Leave one out.' : 'Give examples: { inputs, labels }.' },
    );
  }
}

/** Of weights alone nothing is measured that an update could keep to. @throws EspalierError `invalid-option` */
export function refuseUpdate(options: object): void {
  if (!('update' in options)) return;
  throw new EspalierError('invalid-option', 'compressWeights knows no update.', {
    remedy: 'Compress the weights, and make the update with diff of @espalier/codec/update.',
  });
}
