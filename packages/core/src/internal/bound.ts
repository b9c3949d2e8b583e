import type { Moment } from '../moment.js';
import type { Parameter } from '../parameter.js';
import type { Schedule, Timing } from '../schedule.js';

/** A schedule that has been checked: its parameters, its time, and the name its masks go by. */
export interface Bound {
  readonly schedule: Schedule;
  readonly of: readonly Parameter[];
  readonly time: Timing;
  readonly owner: string;
}

/** A step's moment as a schedule counts: from its own start to its own end, step by step. */
export function within({ start, end }: Timing, at: Moment): Moment {
  const { stepsPerEpoch, step } = at;
  return { ...at, start, end, index: step - start * stepsPerEpoch, count: (end - start) * stepsPerEpoch };
}
