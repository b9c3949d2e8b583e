import { entropyBytes } from '../choose/coded-bytes.js';
import { chooseMethods } from '../choose/methods.js';
import { type Method, quantize, type Rounded } from '../choose/quantize.js';
import type { Bench } from '../fidelity/bench.js';
import type { Examples, Executable } from '../model/model.js';
import type { Tensors } from '../model/tensors.js';
import { coarse } from '../numbers/coarse.js';
import type { CompressOptions } from '../options.js';
import type { Plan } from '../plan/tensor-plan.js';
import type { Work } from '../time-budget.js';
import type { Aim } from './aim.js';
import { correctSteps } from './correct-steps.js';
import { search, type Trial } from './search.js';

/** What was found. */
export interface Found {
  readonly trials: readonly Trial[];
  readonly fineness: number;
  /** All tensors at a fineness. */
  readonly roundedAt: (fineness: number) => ReadonlyMap<string, Rounded>;
}

/** Parts of an octave that the fineness goes by. */
const finest = 128;

/** An error of a quarter of a tensor's size is a level or two for most of its weights: 12 dB. */
const mostRelative = 1 / 16;

/** Most halves of an octave on the way to where accuracy is lost. */
const mostHalves = 8;

/** How hard the coder searches in a trial. */
const trialEffort = 4;

/** Searches for the coarsest steps that meet the aim. */
export async function coarsestSteps(
  plans: readonly Plan[],
  model: Executable,
  tensors: Tensors,
  bench: Bench,
  batch: Examples,
  { aim, bytes }: { readonly aim: Aim; readonly bytes: boolean },
  { quality, accuracy, log = () => {}, onTrial }: CompressOptions,
  work: Work,
): Promise<Found> {
  const felt = plans.reduce((n, { values, unreached }) => n + (unreached ? 0 : values.length), 0);
  const decibels = quality ?? (accuracy ? 40 : bytes ? 40 : 45);
  /** Were all errors alike, the outputs would be so many dB off at this fineness. */
  const expected = coarse(Math.sqrt((12 * 10 ** (-decibels / 10)) / Math.max(1, felt)), finest);
  let methods: ReadonlyMap<string, Method> = new Map();
  /** A fineness at which the outputs are about so many dB off, and what they do not feel is as near as what they do. */
  const approach = async (start: number): Promise<number> => {
    let fineness = start;
    for (let i = 0; i < 4 && felt > 0; i++) {
      const octaves = ((await bench.psnr(model, quantize(plans, fineness, methods))) - decibels) / 6.02;
      fineness = coarse(fineness * 2 ** Math.max(-6, Math.min(6, octaves)), finest);
      if (Math.abs(octaves) < 0.7) break;
    }
    const unreached = plans.filter((plan) => plan.unreached);
    if (unreached.length === 0) return fineness;
    const error = relativeError(plans, quantize(plans, fineness, methods), 10 ** (-decibels / 10));
    const alone = coarse(Math.sqrt((12 * error) / Math.max(1, felt)), 8);
    for (const { wish } of unreached) wish.refine(Math.log2(fineness / alone) + wish.shift);
    return fineness;
  };
  const first = await approach(expected);
  const near = accuracy
    ? await border(first, aim, (f) => bench.figure(model, quantize(plans, f, methods)))
    : first;
  methods = chooseMethods(plans, near, work.stage(0.12, 0.5));
  const roundedAt = (fineness: number): ReadonlyMap<string, Rounded> =>
    quantize(plans, coarse(fineness, finest), methods);
  if (felt === 0 && !bytes) return { trials: [], fineness: near, roundedAt };
  await correctSteps(model, plans, near, methods, bench, batch, work.stage(0.2, 0.4));
  log(`${plans.length} tensors weighed by the error of each`);
  const trials: Trial[] = [];
  const { fineness } = await search(
    await approach(near),
    aim,
    async (wanted) => {
      const tried = coarse(wanted, finest);
      const known = trials.find((trial) => trial.fineness === tried);
      if (known) return known.figure;
      const rounded = roundedAt(tried);
      const figure = bytes ? tensors.encode(rounded, trialEffort).length : await bench.figure(model, rounded);
      const unit = bytes ? 'bytes' : accuracy ? 'points lost at most' : 'dB';
      log(`step factor ${tried.toPrecision(4)}: ${bytes ? figure : figure.toFixed(2)} ${unit}`);
      trials.push({ fineness: tried, figure });
      onTrial?.({
        quality: bytes || accuracy ? await bench.psnr(model, rounded) : figure,
        bytes: bytes ? figure : levelBytes(plans, rounded),
      });
      return figure;
    },
    work.stage(1, 0.25),
  );
  return { trials, fineness: coarse(fineness, finest), roundedAt };
}

/** About the bytes of all that is quantised. */
function levelBytes(plans: readonly Plan[], rounded: ReadonlyMap<string, Rounded>): number {
  return Math.round(
    plans.reduce((sum, plan) => sum + entropyBytes(plan, rounded.get(plan.weight.name) as Rounded), 0),
  );
}

/** Where an aim begins to be missed, to half an octave: what is traded there is worth what it is in the end. */
async function border(
  start: number,
  aim: Aim,
  figureAt: (fineness: number) => Promise<number>,
): Promise<number> {
  const met = aim.meets(await figureAt(start));
  let fineness = start;
  for (let i = 0; i < mostHalves; i++) {
    const next = coarse(fineness * 2 ** (met ? 0.5 : -0.5), finest);
    const meets = aim.meets(await figureAt(next));
    if (met && !meets) break;
    fineness = next;
    if (meets && !met) break;
  }
  return fineness;
}

/**
 * What tensors that no output feels may err by, in units of their own mean squares: as the middle one of those that outputs feel. No less
 * than the outputs may.
 */
function relativeError(plans: readonly Plan[], rounded: ReadonlyMap<string, Rounded>, least: number): number {
  const each = plans.flatMap(({ weight, values, unreached }) => {
    if (unreached || weight.shape.length < 2) return [];
    const own = rounded.get(weight.name)?.values as Float32Array;
    const noise = values.reduce((sum, value, i) => sum + (value - own[i]) ** 2, 0);
    return [noise / values.reduce((sum, value) => sum + value ** 2, 0)];
  });
  each.sort((a, b) => a - b);
  return Math.max(least, Math.min(mostRelative, each[each.length >> 1] ?? 0));
}
