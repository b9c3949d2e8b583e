import type { Fleet } from './fleet.js';
import { known } from './operations.js';
import { type Outcome, type OutcomeRow, outcomeColumns, outcomeIn } from './outcome.js';

/** A trial of a study as it stands. */
export interface TrialStatus {
  readonly key: string;
  readonly name: string;
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  /** How often it was begun. */
  readonly attempt: number;
  /** Who has it, or had it last. */
  readonly worker?: string;
  /** Since it was first begun, to its end or until now. */
  readonly seconds?: number;
  /** The epoch that it told of last, 0-based, with its stage and its loss. */
  readonly epoch?: { readonly stage: string; readonly epoch: number; readonly loss?: number };
  readonly outcome?: Outcome;
  /** Why it failed, or why it was given back. */
  readonly failure?: string;
}

interface Row extends OutcomeRow, Pick<TrialStatus, 'key' | 'name' | 'state' | 'attempt'> {
  readonly worker: string | null;
  readonly seconds: string | null;
  readonly stage: string | null;
  readonly epoch: number | null;
  readonly loss: unknown;
  readonly failure: string | null;
}

/** Most trials that are listed. */
const most = 5000;

/** The trials of a study, in the order in which they were asked for. @throws EspalierError `unknown-name` */
export async function trialsOf(fleet: Fleet, study: string): Promise<TrialStatus[]> {
  await known(fleet, study);
  const rows = await fleet.database.query<Row>(
    `select t.key, t.name, t.state, t.attempt, w.name worker, t.failure, e.stage, e.epoch, e.metrics->'loss' loss,
       extract(epoch from coalesce(t.ended, now()) - t.begun) seconds, ${outcomeColumns}
     from espalier.trial t left join espalier.worker w on w.id = t.worker
     left join lateral (
       select stage, epoch, metrics from espalier.epoch where study = t.study and key = t.key
       order by at desc, epoch desc limit 1) e on true
     where t.study = $1 order by t.number limit ${most}`,
    [study],
  );
  return rows.map((row) => {
    const { key, name, state, attempt, worker, seconds, stage, epoch, loss, failure } = row;
    const outcome = state === 'done' ? outcomeIn(row) : undefined;
    return {
      key,
      name,
      state,
      attempt,
      ...(worker !== null && { worker }),
      ...(seconds !== null && { seconds: Number(seconds) }),
      ...(stage !== null &&
        epoch !== null && { epoch: { stage, epoch, ...(typeof loss === 'number' && { loss }) } }),
      ...(outcome && { outcome }),
      ...(failure !== null && { failure }),
    };
  });
}
