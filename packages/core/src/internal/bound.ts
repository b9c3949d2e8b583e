import { EspalierError } from '../errors.js';
import type { Moment } from '../moment.js';
import { type Of, type Plugin, trains } from '../plugin.js';
import type { RunState } from '../run-state.js';
import { checkPlugin, isRunning, type Running, startPlugin } from '../running.js';
import { type Schedule, type Timing, timing } from '../schedule.js';
import type { PluginState } from '../session.js';
import { checkSchedule } from './check-options.js';

/** A schedule that has been checked: its parameters, its time, and the name its masks and state go by. */
export interface Planned {
  readonly plugin: Plugin;
  readonly of: Of;
  readonly time: Timing;
  readonly owner: string;
  readonly state: PluginState | undefined;
  /** Of a plugin that came started. */
  readonly running: Running | undefined;
}

/** A schedule whose plugin is at work. */
export interface Bound {
  readonly running: Running;
  readonly time: Timing;
  /** Whether the plugin came started: who started it ends it, and keeps its state. */
  readonly lent: boolean;
}

/** Whether a plugin has no part in steps but by the values of its masks. */
export function onlyPrunes({ running: { plugin, session } }: Bound): boolean {
  const { kinds } = plugin;
  return kinds.length === 1 && kinds[0] === 'pruner' && !session.observe && !session.epochEnd;
}

/**
 * A step's moment as a schedule counts: from its own start to its own end, step by step. It asks `at` whenever it is
 * asked, as what `perStep` makes anew does.
 */
export function within({ start, end }: Timing, at: Moment): Moment {
  const { stepsPerEpoch } = at;
  const first = start * stepsPerEpoch;
  return {
    get epoch() {
      return at.epoch;
    },
    get step() {
      return at.step;
    },
    get index() {
      return at.step - first;
    },
    stepsPerEpoch,
    start,
    end,
    every: 1 / stepsPerEpoch,
    count: (end - start) * stepsPerEpoch,
  };
}

/**
 * Resolves the names and times of schedules.
 *
 * @throws EspalierError `unknown-option`, `unknown-name`, `invalid-schedule`, `bad-plugin`
 */
export function plan(
  run: RunState,
  schedules: readonly Schedule[],
  epochs: number,
  stepsPerEpoch: number,
): readonly Planned[] {
  const owners = new Set<string>();
  return schedules.map((schedule, i): Planned => {
    const running = isRunning(schedule.plugin) ? schedule.plugin : undefined;
    const plugin = running?.plugin ?? (schedule.plugin as Plugin);
    checkPlugin(plugin);
    checkSchedule(schedule);
    if (running !== undefined) checkLent(running, run, schedule);
    if (!trains(plugin)) {
      throw new EspalierError('bad-plugin', `${plugin.name} does nothing while a model is trained.`, {
        remedy: 'A schedule wants a plugin with masks, penalty, forward, noise, quantize or observe.',
      });
    }
    const owner = running?.owner ?? schedule.owner ?? `${plugin.name}#${i}`;
    if (owners.has(owner)) {
      throw new EspalierError('invalid-schedule', `Two schedules have the owner '${owner}'.`, {
        remedy: 'Give each an owner of its own, or none.',
      });
    }
    owners.add(owner);
    const of = running?.of ?? run.select(schedule.parameters);
    const time = timing(schedule, epochs, stepsPerEpoch);
    return { plugin, of, time, owner, state: schedule.state, running };
  });
}

function checkLent(running: Running, run: RunState, schedule: Schedule): void {
  const key = (['parameters', 'state', 'owner'] as const).find((name) => schedule[name] !== undefined);
  if (key === undefined && running.run === run) return;
  throw new EspalierError(
    'invalid-schedule',
    key === undefined
      ? `${running.plugin.name} was started on another run.`
      : `The schedule of ${running.plugin.name} has ${key}, but the plugin is started already.`,
    { remedy: 'Give run.start all that, or the schedule the plugin itself.' },
  );
}

/** Starts what is not started yet; where one fails, those before it are ended. */
export async function startAll(
  run: RunState,
  planned: readonly Planned[],
  stateOf: (owner: string) => PluginState | undefined,
): Promise<readonly Bound[]> {
  const bound: Bound[] = [];
  try {
    for (const { plugin, of, owner, time, state: given, running } of planned) {
      const state = stateOf(owner) ?? given;
      bound.push({
        running: running ?? (await startPlugin(run, plugin, of, { owner, ...(state && { state }) })),
        time,
        lent: running !== undefined,
      });
    }
    return bound;
  } catch (error) {
    endAll(bound);
    throw error;
  }
}

/** Ends what `startAll` started. */
export function endAll(bound: readonly Bound[]): void {
  for (const { running, lent } of bound) {
    running.settle();
    if (!lent) running.dispose();
  }
}
