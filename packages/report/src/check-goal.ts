import { type Check, number, object, oneOf, optional, orNull, record, string } from './check.js';
import type { GoalReport, MeasureReport } from './schema.js';

const better: Check = oneOf('higher', 'lower');

/** Metrics by name. */
export const measured: Check = record(orNull(number()));

/** By what models are compared. */
export const goal: Check = object<GoalReport>({ metric: string, better });

/** What is known of metrics. */
export const measures: Check = record(
  object<MeasureReport>({ better: optional(better), unit: optional(oneOf('share', 'dB', 'bits')) }),
);
