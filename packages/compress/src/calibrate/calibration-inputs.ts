import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { batchesOf, splitExamples } from '../examples/batches.js';
import { isPicture } from '../examples/generate.js';
import { sampleExamples } from '../examples/sample.js';
import { inputsWithTables } from '../examples/table-inputs.js';
import type { Labelled } from '../fidelity/accuracy.js';
import type { Examples, Executable, InputSpec } from '../model/model.js';
import type { AccuracyAim, CompressOptions, ExampleSource, LabelledSource } from '../options.js';
import type { Work } from '../time-budget.js';
import { type Survey, survey } from './cost.js';

/** What a figure was measured on; the photographs are none of those that were calibrated on. */
export type MeasuredOn = 'given inputs' | 'photographs and made-up pictures' | 'made-up inputs';

/** Inputs for the work, in batches. */
export interface Calibration {
  readonly batches: Examples[];
  readonly validation: Examples[];
  readonly measuredOn: MeasuredOn;
  /**
   * Is the quality that of the worst output of one example? Photographs of ours are few, and whoever looks at one of their own
   * sees each output by itself.
   */
  readonly worst: boolean;
  /** The classes of `validation`, where accuracy is the aim. */
  readonly labels?: tf.Tensor;
  /** And what it is measured on at the end. */
  readonly apart?: { readonly batches: readonly Examples[]; readonly labels: tf.Tensor };
}

/** How many inputs are made, and at least of those that are slow. */
const usualCount = 16;
const leastCount = 8;

/** Numbers of inputs in memory; numbers that kernels write in a forward pass, and in one whose steps are kept for its gradient. */
const mostNumbers = 2 ** 24;
const mostElements = 2 ** 27;
const mostKept = 2 ** 26;

/** Forward passes of each input until the end (a quarter of them is measured on again and again), and their part of the time. */
const passes = 5;
const passesPart = 0.3;

/** Forward passes that all probes of the gradients take about, for each of their examples, and their part of the time. */
const gradientPasses = 12 * 5;
const gradientPart = 0.2;

/** Batches for calibration, and others for measuring; `made` gets all that is to be disposed. */
export async function examplesFor(
  model: Executable,
  options: CompressOptions,
  work: Work,
  made: tf.Tensor[],
): Promise<Calibration> {
  const { calibration, validation, sample, batchSize: most = 8 } = options;
  const { inputs } = model;
  let specs: readonly InputSpec[] | undefined;
  let cost: Survey | undefined;
  const from = async (source: Examples | ExampleSource): Promise<Examples> => {
    if (typeof source !== 'function') return source;
    specs ??= await inputsWithTables(model);
    const examples = await source(specs);
    made.push(...examples);
    return examples;
  };
  const sampled: ExampleSource = async (known) => {
    let count = sample?.count ?? usualCount;
    if (work.limited) {
      const first = await sampleExamples(known, { ...sample, count: 1 });
      try {
        cost = await costOf(model, first, work);
        count = Math.min(count, Math.max(leastCount, affordable(cost, first, work.seconds)));
      } finally {
        tf.dispose([...first]);
      }
    }
    return sampleExamples(known, { ...sample, count });
  };
  const given = await from(calibration ?? sampled);
  if (work.limited) {
    cost ??= await costOf(model, given, work);
    const timely = (gradientPart * work.seconds) / (gradientPasses * cost.seconds);
    work.gradientExamples = Math.max(1, Math.min(mostKept / cost.elements, timely));
  }
  const size = cost ? Math.max(1, Math.min(most, Math.floor(mostElements / cost.elements))) : most;
  const labelled = options.accuracy && (await labelledOf(model, options.accuracy, made));
  const apart = labelled?.chosenBy.inputs ?? (validation && (await from(validation)));
  const [own, rest] = apart ? [given, undefined] : splitExamples(inputs, given);
  if (rest) made.push(...own, ...rest);
  const batches = batchesOf(inputs, own, size);
  made.push(...batches.flat());
  const judging = batchesOf(inputs, apart ?? rest ?? given, size);
  made.push(...judging.flat());
  const measuredOn = calibration || apart ? 'given inputs' : sampleOf(inputs);
  const worst = measuredOn === 'photographs and made-up pictures';
  const found = { batches, validation: judging, measuredOn, worst };
  if (!labelled) return found;
  const last = batchesOf(inputs, labelled.apart.inputs, size);
  made.push(...last.flat());
  return {
    ...found,
    labels: labelled.chosenBy.labels,
    apart: { batches: last, labels: labelled.apart.labels },
  };
}

/** Examples with classes that steps are chosen by, and others. @throws EspalierError `shape-mismatch` */
async function labelledOf(
  model: Executable,
  { examples, apart }: AccuracyAim,
  made: tf.Tensor[],
): Promise<{ chosenBy: Labelled; apart: Labelled }> {
  const from = async (source: Labelled | LabelledSource): Promise<Labelled> => {
    if (typeof source !== 'function') return source;
    const found = await source(await inputsWithTables(model));
    made.push(...found.inputs, found.labels);
    return found;
  };
  const all = await from(examples);
  if (apart) return { chosenBy: all, apart: await from(apart) };
  const count = all.labels.shape[0] ?? 0;
  if (count < 2) {
    throw new EspalierError('shape-mismatch', `There are ${count} labelled examples.`, {
      remedy: 'Give hundreds: half of them are set apart to measure on.',
    });
  }
  const half = count >> 1;
  const part = (start: number, size: number): Labelled => {
    const [labels, ...parts] = [all.labels, ...all.inputs].map((tensor) => tf.slice(tensor, start, size));
    made.push(labels, ...parts);
    return { inputs: parts, labels };
  };
  return { chosenBy: part(0, half), apart: part(half, count - half) };
}

function sampleOf(inputs: readonly InputSpec[]): MeasuredOn {
  return inputs.some(isPicture) ? 'photographs and made-up pictures' : 'made-up inputs';
}

/** What one of these examples costs. */
async function costOf(model: Executable, examples: Examples, work: Work): Promise<Survey> {
  const batches = batchesOf(model.inputs, examples, 1);
  try {
    return await survey(model, batches[0], () => work.now());
  } finally {
    tf.dispose(batches.flat());
  }
}

/** How many inputs like the first there is time and memory for, a multiple of four. */
function affordable({ seconds }: Survey, first: Examples, all: number): number {
  const each = first.reduce((n, { size }) => n + size, 0) / Math.max(1, first[0]?.shape[0] ?? 1);
  const count = Math.min((passesPart * all) / (passes * seconds), mostNumbers / each);
  return 4 * Math.floor(count / 4);
}
