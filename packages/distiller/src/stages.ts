import type { Context } from './arguments.js';
import { learningRates } from './learning-rates.js';
import type { Policy } from './parse.js';
import { keepNote, keepsMask, overlapNotes, pruningNotes } from './policy-notes.js';
import { prunerRule } from './pruners.js';
import { quantizeUse } from './quantizers.js';
import { type Penalty, penaltyRule } from './regularizers.js';
import { schedulesOf } from './timeline.js';
import type { Rule, ScheduleItem, Use } from './use.js';
import { type Commented, comment } from './write.js';

/** What a schedule leaves to the command line. */
export interface Training {
  readonly epochs: number;
  readonly learningRate: number;
  readonly momentum: number;
  /** Torch's: adds d·w to the gradient. */
  readonly weightDecay: number;
}

type Stage = Commented & Readonly<Record<string, unknown>>;

/** Something to be done between two epochs. */
interface Cut {
  readonly epoch: number;
  readonly order: number;
  readonly stages: readonly Stage[];
}

interface Acting {
  readonly policy: Policy;
  readonly rule: Rule;
  /** Fires every so many steps, too; 0 for once an epoch. */
  readonly steps: number;
  /** Does it mask weights for good? */
  readonly masks: boolean;
  /** Epochs whose firing is a stage of its own. */
  readonly done: Set<number>;
}

/** Epochs that training must have for every policy but the learning rate's to come to its end. */
export function epochsNeeded(policies: readonly Policy[]): number {
  const ends = (own: readonly Policy[]): number => Math.max(0, ...own.map(({ end }) => end));
  const acting = policies.filter(({ kind }) => kind !== 'lr_scheduler');
  return acting.length > 0 ? ends(acting) : ends(policies);
}

const applied = (name: string, uses: readonly Use[]): Stage[] =>
  uses.map((use, i) => ({ name: i === 0 ? name : `${name}-${i + 1}`, ...use }));

/** The parameters of some uses, for finding those that two policies mask. */
const parametersOf = (uses: readonly Use[]): Set<string> =>
  new Set(
    uses.flatMap(({ parameters = [] }) => (typeof parameters === 'string' ? [parameters] : parameters)),
  );

/** The stages of a recipe that do what a schedule does. */
export function stagesOf(context: Context, training: Training): Stage[] {
  const { schedule } = context;
  const { policies, notes, components } = schedule;
  const { epochs } = training;
  const thinners = policies.filter(({ kind }) => kind === 'extension');
  const acting: Acting[] = [];
  const penalties: (Acting & { rule: Penalty })[] = [];
  const cuts: Cut[] = [];
  const quantize: Use[] = [];

  for (const policy of policies) {
    if (policy.kind === 'pruner') {
      const { rule, kind } = prunerRule(policy, context, thinners);
      pruningNotes(policy, kind, schedule);
      // Noise acts in every step of its epochs.
      const steps = kind === 'noise' ? 0 : Number(policy.args.mini_batch_pruning_frequency ?? 0);
      acting.push({ policy, rule, steps, masks: kind !== 'noise', done: new Set() });
      endNote(policy, epochs, rule, context);
    } else if (policy.kind === 'regularizer') {
      const rule = penaltyRule(policy, context);
      if (rule === undefined) continue;
      penalties.push({ policy, rule, steps: 0, masks: rule.thresholded, done: new Set() });
      endNote(policy, epochs, rule, context);
      if (!rule.thresholded || policy.args.keep_mask !== true) continue;
      if (!keepsMask(policy)) keepNote(policy, notes, [...policy.path, 'regularizer', 'args', 'keep_mask']);
      const epoch = policy.epochs.at(-1)! + 1;
      const uses = rule.at(epoch);
      if (epoch <= epochs)
        cuts.push({ epoch, order: -1, stages: applied(`keep-${policy.component.name}-${epoch}`, uses) });
    } else if (policy.kind === 'quantizer') {
      if (policy.start > 0) {
        schedule.refuse(policy.path, 'Distiller wants a quantizer to start in epoch 0.');
      }
      const use = quantizeUse(policy.component, context);
      if (use !== undefined) quantize.push(use);
    }
  }
  for (const component of components) {
    if (component.className !== 'PostTrainLinearQuantizer') continue;
    if (policies.some((policy) => policy.component === component)) continue;
    const use = quantizeUse(component, context);
    if (use !== undefined) quantize.push(use);
  }
  overlapNotes(
    [...acting, ...penalties]
      .filter(({ masks }) => masks)
      .map(({ policy, rule }) => ({
        policy,
        parameters: parametersOf(rule.at(policy.epochs[0])),
      })),
    schedule,
  );

  for (const thinner of thinners) {
    for (const epoch of thinner.epochs) {
      if (epoch >= epochs) {
        notes.add(
          'defect',
          thinner.path,
          `training ends after ${epochs} epochs: the thinning of epoch ${epoch} never comes.`,
        );
        continue;
      }
      cuts.push(thinning(thinner, epoch, acting, policies, notes));
    }
  }
  cuts.sort((a, b) => a.epoch - b.epoch || a.order - b.order);
  const borders = [...new Set([0, ...cuts.map(({ epoch }) => epoch), epochs])].filter((e) => e < epochs);
  const rateOf = learningRates(schedule, training.learningRate, epochs);
  const stages: Stage[] = [];
  for (const [i, from] of borders.entries()) {
    for (const cut of cuts) if (cut.epoch === from) stages.push(...cut.stages);
    const to = borders[i + 1] ?? epochs;
    const schedules = [...acting, ...penalties]
      .sort((a, b) => policies.indexOf(a.policy) - policies.indexOf(b.policy))
      .flatMap(({ policy, rule, done, steps }) => {
        const items = schedulesOf(policy, rule, { from, to }, done, steps);
        brokenNote(policy, rule, items, context);
        return items.map((item, j) => (j === 0 ? { [comment]: [policy.component.name], ...item } : item));
      });
    const decay: ScheduleItem[] =
      training.weightDecay > 0
        ? [{ use: '@espalier/regularizers#l2', options: { strength: training.weightDecay / 2 } }]
        : [];
    stages.push({
      name: borders.length === 1 ? 'train' : `epochs-${from}-${to - 1}`,
      epochs: to - from,
      optimizer: { name: 'sgd', ...(training.momentum > 0 && { momentum: training.momentum }) },
      learningRate: rateOf(from, to),
      ...(schedules.length + decay.length > 0 && { schedules: [...schedules, ...decay] }),
    });
  }
  for (const cut of cuts) if (cut.epoch === epochs) stages.push(...cut.stages);
  stages.push(...quantize.flatMap((use, i) => applied(i === 0 ? 'quantize' : `quantize-${i + 1}`, [use])));
  if (borders.length > 1) {
    notes.add(
      'changed',
      thinners[0]?.path ?? [],
      'where the model changes, a new stage begins: the momentum of SGD starts from 0 in it.',
    );
  }
  return stages;
}

/** Thinning in the first step of an epoch, after the pruners that come before it in the file have masked. */
function thinning(
  thinner: Policy,
  epoch: number,
  acting: readonly Acting[],
  policies: readonly Policy[],
  notes: Context['schedule']['notes'],
): Cut {
  const order = policies.indexOf(thinner);
  const stages: Stage[] = [];
  for (const { policy, rule, done, steps, masks } of acting) {
    if (!masks || policies.indexOf(policy) > order || !policy.epochs.includes(epoch) || done.has(epoch))
      continue;
    if (rule.whileTraining !== undefined) {
      notes.add(
        'changed',
        policy.path,
        `in epoch ${epoch} Distiller prunes first and thins then; here it thins first, because ${rule.whileTraining}.`,
      );
      continue;
    }
    stages.push(...applied(`${policy.component.name}-${epoch}`, rule.at(epoch)));
    // With firings within the epoch as well, the stage that follows repeats this one, which changes nothing.
    if (steps === 0) done.add(epoch);
  }
  stages.push({ name: `thin-${epoch}`, use: '@espalier/pruners-structured#thin' });
  return { epoch, order, stages };
}

/** What does not come to its end, if that makes a difference. */
function endNote(
  { epochs: own, path, args }: Policy,
  epochs: number,
  rule: Rule,
  { schedule }: Context,
): void {
  const missed = own.filter((e) => e >= epochs);
  const harmless = rule.steady === true && args.keep_mask !== true && missed.length < own.length;
  if (missed.length === 0 || harmless) return;
  const what =
    missed.length === own.length
      ? `training ends after ${epochs} epochs, before this policy acts at all.`
      : `training ends after ${epochs} epochs, before this policy comes to its end in epoch ${own.at(-1)}.`;
  schedule.notes.add('defect', path, what);
}

function brokenNote(
  { path }: Policy,
  { whenBroken }: Rule,
  items: readonly ScheduleItem[],
  { schedule }: Context,
): void {
  if (whenBroken === undefined || items.length < 2) return;
  const plugins = new Set(items.map(({ use, parameters }) => `${use} ${JSON.stringify(parameters)}`));
  if (plugins.size === items.length) return;
  schedule.notes.add('changed', path, `the firings are written as several schedules: in each ${whenBroken}.`);
}
