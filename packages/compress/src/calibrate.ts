import type * as tf from '@tensorflow/tfjs-core';
import { batchesOf, splitExamples } from './batches.js';
import { isPicture } from './examples.js';
import type { Examples, Executable, InputSpec } from './executable.js';
import type { CompressOptions, ExampleSource } from './options.js';
import { sampleExamples } from './sample.js';
import { inputsWithTables } from './tables.js';

/** What a figure was measured on; the photographs are none of those that were calibrated on. */
export type MeasuredOn = 'given inputs' | 'photographs and made-up pictures' | 'made-up inputs';

/** Inputs for the work, in batches. */
export interface Calibration {
  readonly batches: Examples[];
  readonly validation: Examples[];
  readonly measuredOn: MeasuredOn;
}

/** Batches for calibration, and others for measuring; `made` gets all that is to be disposed. */
export async function examplesFor(
  model: Executable,
  { calibration, validation, sample, batchSize = 8 }: CompressOptions,
  made: tf.Tensor[],
): Promise<Calibration> {
  let specs: readonly InputSpec[] | undefined;
  const from = async (source: Examples | ExampleSource): Promise<Examples> => {
    if (typeof source !== 'function') return source;
    specs ??= await inputsWithTables(model);
    const examples = await source(specs);
    made.push(...examples);
    return examples;
  };
  const given = await from(calibration ?? ((inputs) => sampleExamples(inputs, sample)));
  const apart = validation && (await from(validation));
  const [own, rest] = apart ? [given, undefined] : splitExamples(model.inputs, given);
  if (rest) made.push(...own, ...rest);
  const { inputs } = model;
  const batches = batchesOf(inputs, own, batchSize);
  made.push(...batches.flat());
  const measured = batchesOf(inputs, apart ?? rest ?? given, batchSize);
  made.push(...measured.flat());
  return {
    batches,
    validation: measured,
    measuredOn: calibration || validation ? 'given inputs' : sampleOf(inputs),
  };
}

function sampleOf(inputs: readonly InputSpec[]): MeasuredOn {
  return inputs.some(isPicture) ? 'photographs and made-up pictures' : 'made-up inputs';
}
