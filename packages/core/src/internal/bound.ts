import type { Parameter } from '../parameter.js';
import type { Schedule, Timing } from '../schedule.js';

/** A schedule that has been checked: its parameters, its time, and the name its masks go by. */
export interface Bound {
  readonly schedule: Schedule;
  readonly of: readonly Parameter[];
  readonly time: Timing;
  readonly owner: string;
}
