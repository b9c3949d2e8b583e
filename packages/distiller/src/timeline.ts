import type { Policy } from './parse.js';
import type { Rule, ScheduleItem, Use } from './use.js';

/** Epochs as rows of even steps, as long as possible. */
function rows(epochs: readonly number[]): number[][] {
  const found: number[][] = [];
  for (const epoch of epochs) {
    const row = found.at(-1);
    const step = row !== undefined && row.length > 1 ? row[1] - row[0] : undefined;
    if (row !== undefined && (step === undefined || epoch - row.at(-1)! === step)) row.push(epoch);
    else found.push([epoch]);
  }
  return found;
}

export interface Span {
  /** First epoch of the stage, counted from the start of training. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** A schedule of a stage, in the stage's own epochs; what is the default is left out. */
function item(
  use: Use,
  { from, to }: Span,
  start: number,
  end: number,
  every: ScheduleItem['every'],
): ScheduleItem {
  return {
    ...use,
    ...(start > from && { start: start - from }),
    ...(end < to && { end: end - from }),
    ...(every !== undefined && every !== 1 && { every }),
  };
}

/** Steps over which the plugins of this library observe by default. */
const observedSteps = 16;

/**
 * The schedules by which a stage does what a policy does in the stage's epochs.
 *
 * @param done - Epochs of the policy that are dealt with elsewhere.
 * @param steps - Do it every so many steps of each of the epochs, too.
 */
export function schedulesOf(
  policy: Policy,
  rule: Rule,
  span: Span,
  done: ReadonlySet<number>,
  steps = 0,
): ScheduleItem[] {
  const epochs = policy.epochs.filter((e) => e >= span.from && e < span.to && !done.has(e));
  // What goes by what it has observed needs a firing before the one that counts: an epoch earlier, or, where
  // there is none, some steps.
  const early = rule.whileTraining !== undefined;
  const singly = (e: number): ScheduleItem[] => {
    const start = early && e > span.from ? e - 1 : e;
    const every = steps > 0 ? { steps } : early && start === e ? { steps: observedSteps } : undefined;
    return rule.at(e).map((use) => item(use, span, start, e + 1, every));
  };
  return rows(epochs).flatMap((row) => {
    const [first, last] = [row[0], row[row.length - 1]];
    const every = row.length > 1 ? row[1] - first : 1;
    if (steps > 0 && !(rule.steady && every === 1)) return row.flatMap(singly);
    const whole = policy.end <= span.to && row.length === policy.epochs.length;
    const end = policy.end <= span.to && last === policy.epochs.at(-1) ? policy.end : last + 1;
    const uses = row.length > 1 && (whole || !rule.exactEnd) ? rule.row(first, last, every) : undefined;
    if (uses === undefined) return row.flatMap(singly);
    return uses.map((use) => item(use, span, first, end, steps > 0 ? { steps } : every));
  });
}
