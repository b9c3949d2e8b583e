import { checkOneOf, checkOptions, checkRange, EspalierError } from '../errors.js';
import { nameOf, type Schedule } from '../schedule.js';
import type { EarlyStopping, OptimizerChoice, TrainOptions } from '../train-options.js';
import { goalOf, watching } from './watching.js';

// Written as records, so that the compiler misses none of the keys.
const trainKeys: Readonly<Record<keyof TrainOptions, true>> = {
  data: true,
  validation: true,
  epochs: true,
  loss: true,
  metrics: true,
  goal: true,
  optimizer: true,
  learningRate: true,
  rateFactors: true,
  freeze: true,
  schedules: true,
  optimizers: true,
  recorder: true,
  onUnrecorded: true,
  earlyStopping: true,
  keepBest: true,
  keepSlots: true,
  continueSlots: true,
  size: true,
  signal: true,
  onStep: true,
  onEpoch: true,
};
const scheduleKeys: Readonly<Record<keyof Schedule, true>> = {
  plugin: true,
  parameters: true,
  start: true,
  end: true,
  every: true,
  owner: true,
  state: true,
};
const stoppingKeys: Readonly<Record<keyof EarlyStopping, true>> = {
  metric: true,
  better: true,
  patience: true,
  minDelta: true,
};
const ruleKeys: Readonly<Record<OptimizerChoice['name'], readonly string[]>> = {
  adam: ['name', 'beta1', 'beta2', 'epsilon'],
  sgd: ['name', 'momentum', 'nesterov'],
};

function refuse(what: string, remedy: string): never {
  throw new EspalierError('invalid-option', what, { remedy });
}

/** Refuses what a stage cannot honour. @throws EspalierError `unknown-option`, `invalid-option` */
export function checkTrainOptions(options: TrainOptions): void {
  checkOptions('train', options, Object.keys(trainKeys));
  const { epochs, data, validation, optimizer, earlyStopping, keepBest, goal, size } = options;
  if (!Number.isInteger(epochs) || epochs < 1) refuse(`epochs is ${epochs}.`, 'Give a whole number >= 1.');
  if (!(data.stepsPerEpoch >= 1))
    refuse('The training data has no batches.', 'Give smaller batches, or more data.');
  if (optimizer !== undefined && optimizer.name in ruleKeys) {
    checkOptions(optimizer.name, optimizer, ruleKeys[optimizer.name]);
  }
  if (earlyStopping !== undefined) {
    checkOptions('earlyStopping', earlyStopping, Object.keys(stoppingKeys));
    checkRange('earlyStopping', 'patience', earlyStopping.patience, 1, Number.MAX_SAFE_INTEGER);
    const { metric, better } = earlyStopping;
    if (metric !== undefined) watching(metric, options, better);
    if (validation === undefined && metric !== 'loss') {
      refuse(
        `earlyStopping watches ${metric ?? goal?.metric ?? 'validationLoss'}, but there is no validation data.`,
        "Give validation data, or the metric 'loss'.",
      );
    }
  }
  if (size !== undefined) {
    checkOptions('size', size, ['aim', 'of']);
    checkRange('size', 'aim', size.aim, 1, Number.MAX_SAFE_INTEGER);
  }
  if (goal !== undefined) {
    checkOptions('goal', goal, ['metric', 'better']);
    if (goal.better !== undefined) checkOneOf('goal', 'better', goal.better, ['higher', 'lower']);
    goalOf(options);
  }
  if (keepBest !== undefined) {
    checkOptions('keepBest', keepBest, ['from']);
    checkRange('keepBest', 'from', keepBest.from ?? 0, 0, epochs - 1);
    if (validation === undefined) {
      refuse(
        `keepBest compares epochs by their validation ${goal?.metric ?? 'accuracy'}, but there is no validation data.`,
        'Give validation data.',
      );
    }
  }
}

/** Refuses a schedule with an unknown key. @throws EspalierError `unknown-option` */
export function checkSchedule(schedule: Schedule): void {
  checkOptions(`the schedule of ${nameOf(schedule)}`, schedule, Object.keys(scheduleKeys));
}
