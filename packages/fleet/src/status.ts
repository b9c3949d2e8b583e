import { paretoFront } from '@espalier/report';
import type { Fleet } from './fleet.js';
import { type FleetGoal, type OutcomeRow, outcomeColumns, outcomeIn } from './outcome.js';

/** A study as it stands. */
export interface StudyStatus {
  readonly name: string;
  readonly queued: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Trials done a minute, over the last ten minutes, or over as long as the last five took where that is longer. */
  readonly perMinute: number;
  /** At that rate, seconds for what is left; absent where nothing is left, and where nothing ends. */
  readonly secondsLeft?: number;
  /** By what trials are compared, where it is not their error. */
  readonly goal?: FleetGoal;
  /** Error, or value of the goal, and bytes of the best trials that were not cut short: no other is better in both. */
  readonly front: readonly { readonly name: string; readonly measure: number; readonly bytes: number }[];
  readonly refusals: readonly { readonly worker: string; readonly reason: string }[];
}

/** A worker as it stands. */
export interface WorkerStatus {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly backend: string;
  readonly tags: readonly string[];
  readonly slots: number;
  readonly running: number;
  readonly done: number;
  readonly draining: boolean;
  /** Seconds since it was heard of. */
  readonly silent: number;
}

/** A trial that failed, and what it said last. */
export interface Failure {
  readonly study: string;
  readonly key: string;
  readonly name: string;
  readonly attempt: number;
  readonly failure: string;
  /** The last lines of its log, in order. */
  readonly lines: readonly string[];
}

/** What there is of a fleet. */
export interface FleetStatus {
  readonly studies: readonly StudyStatus[];
  readonly workers: readonly WorkerStatus[];
  readonly failures: readonly Failure[];
}

type Row = Record<string, never> & { [name: string]: string | number };

/** Trials that a rate is of, at least; failures that are shown, and lines of each. */
const [leastEnds, mostFailures, lastLines] = [5, 20, 8];

/**
 * How a fleet stands: its studies, the workers that were heard of within a minute, what failed.
 *
 * @example
 * ```ts no-run
 * import { cancel, drain, Fleet, logsOf, retry, statusOf, trialsOf } from '@espalier/fleet';
 * const fleet = await Fleet.open({ url: 'postgres://espalier@db.local/espalier' });
 * console.log(await statusOf(fleet), await trialsOf(fleet, 'squares'), await logsOf(fleet, 'squares'));
 * await retry(fleet, 'squares'); // those that failed
 * await cancel(fleet, 'squares');
 * await drain(fleet); // workers end after their trial
 * await fleet.close();
 * ```
 */
export async function statusOf(fleet: Fleet): Promise<FleetStatus> {
  const [studies, workers, failures] = await Promise.all([
    studiesOf(fleet),
    workersOf(fleet),
    failuresOf(fleet),
  ]);
  return { studies, workers, failures };
}

async function studiesOf({ database }: Fleet): Promise<StudyStatus[]> {
  const studies = await database.query<Row>(
    `select s.name, c.*, r.ends / greatest(0.1, extract(epoch from now() - greatest(w.since, c.begun)) / 60) per_minute
     from espalier.study s
     cross join lateral (
       select count(*) filter (where state = 'queued') queued, count(*) filter (where state = 'running') running,
         count(*) filter (where state = 'done') done, count(*) filter (where state = 'failed') failed,
         count(*) filter (where state = 'cancelled') cancelled, min(begun) begun
       from espalier.trial where study = s.name) c
     cross join lateral (
       select least(now() - interval '10 min', coalesce(
         (select ended from espalier.trial where study = s.name and state = 'done'
          order by ended desc offset ${leastEnds} limit 1), c.begun)) since) w
     cross join lateral (
       select count(*) ends from espalier.trial where study = s.name and state = 'done' and ended > w.since) r
     order by s.made`,
  );
  const ended = await database.query<OutcomeRow & { study: string; name: string }>(
    `select t.study, t.name, ${outcomeColumns} from espalier.trial t
     where t.state = 'done' and jsonb_typeof(t.result->'bytes') = 'number' order by t.number`,
  );
  const refused = await database.query<{ study: string; worker: string; reason: string }>(
    `select r.study, w.name worker, r.reason from espalier.refusal r join espalier.worker w on w.id = r.worker
     where w.ended is null and w.seen > now() - interval '60 s' order by 1, 2`,
  );
  return studies.map((row) => {
    const { name } = row as unknown as { name: string };
    const count = (of: string): number => Number(row[of]);
    const [perMinute, left] = [count('per_minute'), count('queued') + count('running')];
    return {
      name,
      queued: count('queued'),
      running: count('running'),
      done: count('done'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      perMinute,
      ...(perMinute > 0 && left > 0 && { secondsLeft: (60 * left) / perMinute }),
      ...frontOf(ended.filter(({ study }) => study === name)),
      refusals: refused
        .filter(({ study }) => study === name)
        .map(({ worker, reason }) => ({ worker, reason })),
    };
  });
}

/** The front of a study's trials: of those that were not cut short, as long as there are any. */
function frontOf(rows: readonly (OutcomeRow & { name: string })[]): Pick<StudyStatus, 'front' | 'goal'> {
  const all = rows.flatMap((row) => {
    const outcome = outcomeIn(row);
    return outcome === undefined ? [] : [{ ...outcome, name: row.name }];
  });
  const whole = all.filter(({ partial }) => !partial);
  const goal = all.at(-1)?.goal;
  const front = paretoFront(whole.length > 0 ? whole : all);
  return {
    ...(goal && { goal }),
    front: front.map(({ name, measure, bytes }) => ({ name, measure, bytes })),
  };
}

async function workersOf({ database }: Fleet): Promise<WorkerStatus[]> {
  const workers = await database.query<Row>(
    `select w.id, w.name, host, backend, tags, slots, draining, extract(epoch from now() - seen) silent,
       count(t.key) filter (where t.state = 'running') running, count(t.key) filter (where t.state = 'done') done
     from espalier.worker w left join espalier.trial t on t.worker = w.id
     where w.ended is null and seen > now() - interval '60 s' group by w.id order by w.name, w.begun`,
  );
  return workers.map(
    (row) =>
      ({
        ...row,
        running: Number(row.running),
        done: Number(row.done),
        silent: Number(row.silent),
      }) as never,
  );
}

function failuresOf({ database }: Fleet): Promise<Failure[]> {
  return database.query(
    `select t.study, t.key, t.name, t.attempt, t.failure, l.lines from espalier.trial t
     cross join lateral (
       select coalesce(array_agg(line order by id), '{}') lines from (
         select id, line from espalier.log where study = t.study and key = t.key order by id desc limit ${lastLines}) last) l
     where t.state = 'failed' order by t.ended desc limit ${mostFailures}`,
  );
}
