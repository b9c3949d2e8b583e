/** What of a trial's result is compared, as it stands in the table of trials. */
export const outcomeColumns = `t.result->'error' error, t.result->'value' value, t.result->'goal' goal, t.result->'bytes' bytes,
  t.task->'share' share`;

/** A row with {@link outcomeColumns}: whatever whoever asked for the trial has put there. */
export interface OutcomeRow {
  readonly error: unknown;
  readonly value: unknown;
  readonly goal: unknown;
  readonly bytes: unknown;
  readonly share: unknown;
}

/** By what a study's trials are compared, where it is not their error. */
export interface FleetGoal {
  readonly metric: string;
  readonly better: 'higher' | 'lower';
}

/** A trial's place beside others. */
export interface Outcome {
  /** Its error, or the value of its goal. */
  readonly measure: number;
  /** The same, so that less is better. */
  readonly cost: number;
  readonly bytes: number;
  readonly goal?: FleetGoal;
  /** It was trained for a share of the epochs only. */
  readonly partial: boolean;
}

function goalIn(goal: unknown): FleetGoal | undefined {
  const { metric, better } = (goal ?? {}) as Record<string, unknown>;
  const known = typeof metric === 'string' && (better === 'higher' || better === 'lower');
  return known ? { metric, better } : undefined;
}

/** What a trial has come to, if it has a size and something to compare. */
export function outcomeIn(row: OutcomeRow): Outcome | undefined {
  const goal = goalIn(row.goal);
  const measure = goal === undefined ? (row.error ?? row.value) : row.value;
  const { bytes, share } = row;
  if (typeof measure !== 'number' || typeof bytes !== 'number') return undefined;
  return {
    measure,
    cost: goal?.better === 'higher' ? -measure : measure,
    bytes,
    ...(goal && { goal }),
    partial: typeof share === 'number' && share < 1,
  };
}
