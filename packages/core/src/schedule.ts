import { EspalierError } from './errors.js';
import type { Moment } from './moment.js';
import type { Plugin } from './plugin.js';
import { isRunning, type Running } from './running.js';
import type { Selector } from './selector.js';
import type { PluginState } from './session.js';
import { shown } from './shown.js';

/** Binds a plugin to parameters and to time. */
export interface Schedule {
  /**
   * The plugin, which the trainer starts and ends. Or one that `run.start` has started: it goes on with what it knows,
   * brings its parameters and its owner, and stays with who started it.
   */
  readonly plugin: Plugin | Running;
  /** Which parameters. Default: every trainable kernel. */
  readonly parameters?: Selector;
  /** First epoch, 0-based. Default 0. */
  readonly start?: number;
  /** The epoch after the last one (exclusive). Default: the end of training. */
  readonly end?: number;
  /** Fires every so many epochs, or every so many steps. Default 1 epoch. Regularizers act at every step. */
  readonly every?: number | { readonly steps: number };
  /** The name its masks and its saved state go by, unique within a stage. Default: plugin name and position. */
  readonly owner?: string;
  /** What a session of the plugin has saved in a stage before: it is started with that. */
  readonly state?: PluginState;
}

/** The name of a schedule's plugin. */
export function nameOf({ plugin }: Schedule): string {
  return isRunning(plugin) ? plugin.plugin.name : plugin.name;
}

/** A schedule's time, checked against the length of training. */
export interface Timing {
  readonly start: number;
  readonly end: number;
  /** Does it reach into this epoch? */
  covers(epoch: number): boolean;
  /** The moment when it fires before step `step` (counted from the start of the stage), otherwise undefined. */
  at(step: number): Moment | undefined;
}

/**
 * Works out when a schedule fires.
 *
 * @throws EspalierError `invalid-schedule` when it can never fire, or fires beyond the end of training.
 *
 * @example
 * ```ts
 * import { timing } from '@espalier/core';
 * const plugin = { name: 'mine', kinds: ['observer'] as const, start: () => ({ observe() {} }) };
 * const time = timing({ plugin, start: 0, end: 12, every: 5 }, 20, 100);
 * const fired = Array.from({ length: 2000 }, (_, step) => time.at(step)).filter((at) => at !== undefined);
 * if (fired.map((at) => at.epoch).join() !== '0,5,10' || fired[2].count !== 3) throw new Error('unexpected');
 * ```
 */
export function timing(schedule: Schedule, epochs: number, stepsPerEpoch: number): Timing {
  const start = schedule.start ?? 0;
  const end = schedule.end ?? epochs;
  const every = schedule.every ?? 1;
  const period = typeof every === 'number' ? every * stepsPerEpoch : every.steps;
  const refuse = (what: string, remedy: string): never => {
    throw new EspalierError('invalid-schedule', `The schedule of ${nameOf(schedule)} ${what}.`, {
      remedy,
    });
  };
  if (!Number.isInteger(start) || start < 0) refuse(`starts at epoch ${start}`, 'Give a whole number >= 0.');
  if (!Number.isInteger(end) || end <= start) {
    refuse(`covers epochs ${start} to ${end} (end exclusive): it never fires`, 'Let it end after its start.');
  }
  if (end > epochs) {
    refuse(`ends at epoch ${end}, but training has ${epochs}`, 'Train longer or let it end earlier.');
  }
  if (!Number.isInteger(period) || period < 1) {
    refuse(`fires every ${shown(every)}`, 'Give a whole number >= 1 of epochs or steps.');
  }
  const first = start * stepsPerEpoch;
  const last = end * stepsPerEpoch;
  const count = Math.ceil((last - first) / period);
  return {
    start,
    end,
    covers: (epoch) => epoch >= start && epoch < end,
    at(step) {
      if (step < first || step >= last || (step - first) % period !== 0) return undefined;
      return {
        epoch: Math.floor(step / stepsPerEpoch),
        step,
        stepsPerEpoch,
        start,
        end,
        every: period / stepsPerEpoch,
        index: (step - first) / period,
        count,
      };
    },
  };
}
