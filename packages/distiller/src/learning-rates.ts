import { shown } from '@espalier/core';
import type { Component, DistillerSchedule, Policy } from './parse.js';
import { tidy } from './sparsity.js';

type Formula = (epoch: number) => number;

/** Learning rates of PyTorch's schedules as a function of the epoch (their closed forms, which Distiller uses). */
const formulas: Readonly<Record<string, (args: Record<string, never>, base: number) => Formula>> = {
  StepLR:
    ({ step_size, gamma = 0.1 }, base) =>
    (e) =>
      base * gamma ** Math.floor(e / step_size),
  MultiStepLR:
    ({ milestones, gamma = 0.1 }, base) =>
    (e) =>
      base * gamma ** (milestones as number[]).filter((m) => m <= e).length,
  MultiStepMultiGammaLR:
    ({ milestones, gammas }, base) =>
    (e) =>
      (milestones as number[]).reduce((rate, m, i) => (m <= e ? rate * gammas[i] : rate), base),
  ExponentialLR:
    ({ gamma }, base) =>
    (e) =>
      base * gamma ** e,
  PolynomialLR:
    ({ T_max, power }, base) =>
    (e) =>
      base * Math.max(0, 1 - e / T_max) ** power,
  CosineAnnealingLR:
    ({ T_max, eta_min = 0 }, base) =>
    (e) =>
      eta_min + ((base - eta_min) * (1 + Math.cos((Math.PI * e) / T_max))) / 2,
  CosineAnnealingWarmRestarts:
    ({ T_0, T_mult = 1, eta_min = 0 }, base) =>
    (e) => {
      let [left, period] = [e, T_0 as number];
      for (; left >= period; period *= T_mult) left -= period;
      return eta_min + ((base - eta_min) * (1 + Math.cos((Math.PI * left) / period))) / 2;
    },
  ConstantLR:
    ({ factor = 1 / 3, total_iters = 5 }, base) =>
    (e) =>
      e < total_iters ? base * factor : base,
  LinearLR:
    ({ start_factor = 1 / 3, end_factor = 1, total_iters = 5 }, base) =>
    (e) =>
      base * (start_factor + ((end_factor - start_factor) * Math.min(e, total_iters)) / total_iters),
};

/** Rates below this are as good as none; a recipe takes positive ones only. */
const least = 1e-12;

/**
 * The learning rate of each epoch. Distiller steps a schedule at the end of each of its policy's epochs, to the
 * value that its formula has for the next epoch counted from the start of training, not of the policy: before the
 * policy the rate is the initial one, after it the last.
 */
export function ratesByEpoch(policies: readonly Policy[], base: number, epochs: number): number[] {
  const acting = policies
    .filter(({ kind, component }) => kind === 'lr_scheduler' && Object.hasOwn(formulas, component.className))
    .map(({ component, epochs: own }) => ({
      own: new Set(own),
      formula: formulas[component.className](component.args as Record<string, never>, base),
    }));
  // PyTorch sets the rate of epoch 0 when a schedule is made.
  let rate = acting.reduce((_, { formula }) => formula(0), base);
  return Array.from({ length: epochs }, (_, epoch) => {
    const now = rate;
    for (const { own, formula } of acting) if (own.has(epoch)) rate = formula(epoch + 1);
    return Math.max(least, now);
  });
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

/** The shortest way in which a recipe can say a row of learning rates, one per epoch. */
export function rateForm(rates: readonly number[]): unknown {
  const initial = tidy(rates[0]);
  const changes = rates.flatMap((rate, e) => (e > 0 && !near(rate, rates[e - 1]) ? [e] : []));
  if (changes.length === 0) return initial;
  const factors = changes.map((e) => tidy(rates[e] / rates[e - 1]));
  const same = factors.every((factor) => near(factor, factors[0]));
  const every = changes[0];
  const even = changes.every((e, i) => e === (i + 1) * every) && (changes.length + 1) * every >= rates.length;
  if (same && even && (changes.length > 1 || every > 1)) {
    if (every === 1) return { exponential: { initial, factor: factors[0] } };
    return { step: { initial, every, factor: factors[0] } };
  }
  return { multiStep: { initial, milestones: changes, factors: same ? factors[0] : factors } };
}

/** The recipe's form of ReduceLROnPlateau. */
function plateau(
  { component, path, epochs, every }: Policy,
  initial: number,
  schedule: DistillerSchedule,
): unknown {
  const args = component.args as Record<string, number & string>;
  const { mode = 'min', factor, patience, cooldown = 0, min_lr } = args;
  const at = [...component.path];
  if (mode !== 'min' && mode !== 'max')
    schedule.refuse([...at, 'mode'], `mode is '${mode}': min or max is wanted.`);
  if (Number(cooldown) > 0) {
    schedule.notes.add(
      'lost',
      [...at, 'cooldown'],
      'a cooldown has no counterpart here: it is left out.',
      true,
    );
  }
  for (const key of ['threshold', 'threshold_mode', 'eps']) {
    if (args[key] === undefined) continue;
    schedule.notes.add(
      'lost',
      [...at, key],
      `'${key}' has no counterpart here: any improvement counts.`,
      true,
    );
  }
  if (epochs[0] > 0 || every !== 1) {
    schedule.notes.add(
      'changed',
      path,
      'here the plateau is looked for in every epoch, from the first one on.',
    );
  }
  return {
    plateau: {
      initial,
      metric: mode === 'min' ? 'validationLoss' : 'validationAccuracy',
      ...(factor !== undefined && { factor }),
      ...(patience !== undefined && { patience }),
      ...(min_lr !== undefined && { minimum: min_lr }),
    },
  };
}

/** A function that tells the `learningRate` of a stage that trains for the epochs [from, to). */
export function learningRates(
  schedule: DistillerSchedule,
  base: number,
  epochs: number,
): (from: number, to: number) => unknown {
  const { policies, notes } = schedule;
  const own = policies.filter(({ kind }) => kind === 'lr_scheduler');
  const reactive = own.find(({ component }) => component.className === 'ReduceLROnPlateau');
  if (reactive !== undefined) {
    const form = plateau(reactive, base, schedule);
    if (own.length > 1) {
      notes.add(
        'lost',
        reactive.path,
        'ReduceLROnPlateau together with another schedule has no counterpart here: the others are left out.',
      );
    }
    return () => form;
  }
  for (const { component } of own) checkNumbers(component, schedule);
  for (const { component, start, end } of own) jump(component, start, end, base, schedule);
  const rates = ratesByEpoch(policies, base, epochs);
  if (rates.includes(least)) {
    notes.add(
      'changed',
      own[0].component.path,
      'the learning rate reaches 0: nothing is learnt from there on.',
    );
  }
  return (from, to) => rateForm(rates.slice(from, to));
}

const lists = ['milestones', 'gammas'];
const counts = ['step_size', 'T_max', 'T_0', 'T_mult', 'total_iters'];

/** A formula is of numbers; where it counts, they are at least 1. */
function checkNumbers({ args, path }: Component, schedule: DistillerSchedule): void {
  const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
  for (const [key, value] of Object.entries(args)) {
    if (key === 'verbose') continue;
    const good = lists.includes(key)
      ? Array.isArray(value) && value.every(isNumber)
      : isNumber(value) && !(counts.includes(key) && (value as number) < 1);
    if (good) continue;
    const wanted = lists.includes(key)
      ? 'a list of numbers'
      : counts.includes(key)
        ? 'a number >= 1'
        : 'a number';
    schedule.refuse([...path, key], `${key} is ${shown(value)}: ${wanted} is wanted.`);
  }
  const { milestones, gammas } = args;
  if (Array.isArray(gammas) && gammas.length !== (milestones as unknown[]).length) {
    schedule.refuse([...path, 'gammas'], 'there are not as many gammas as milestones.');
  }
}

/** PyTorch's formulas count from epoch 0: a policy that starts later makes the rate jump. */
function jump(
  { className, args, path }: Component,
  start: number,
  end: number,
  base: number,
  schedule: DistillerSchedule,
): void {
  const formula = formulas[className](args as Record<string, never>, base);
  const [before, after] = [formula(0), formula(start + 1)];
  if (near(before, formula(Math.max(0, start - 1)))) return;
  schedule.notes.add(
    'defect',
    path,
    `the formula counts from epoch 0, not from epoch ${start}: the rate is ${tidy(before)} up to epoch ${start} and ${Number(after.toPrecision(4))} in epoch ${start + 1} (until ${end}). The recipe does the same.`,
  );
}
