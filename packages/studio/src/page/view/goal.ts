/** By what trials are compared, where it is not their error. */
export interface Goal {
  readonly metric: string;
  readonly better: 'higher' | 'lower';
}

/** The axis of what is to be small: a goal that is to be high counts downwards. */
export function costLabel(goal: Goal | undefined): string {
  if (goal === undefined) return 'error';
  return goal.better === 'higher' ? `−${goal.metric}` : goal.metric;
}

/** An error, or the value of a goal. */
export const shownMeasure = (measure: number, goal: Goal | undefined): string =>
  goal === undefined ? `${(100 * measure).toFixed(2)} %` : measure.toPrecision(4);
